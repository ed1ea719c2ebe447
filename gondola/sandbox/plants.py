"""Planted truths: what happens in the world on purpose, on a known day, to a known SKU.

Every store gets one of each kind in every fortnight, so any fourteen days in a row hold them all. A SKU carries one
truth at most and is otherwise kept still: what a reader sees of it is what was planted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from gondola.sandbox.assortment import Category, Product, Tree, steadied
from gondola.sandbox.catalogue import ending, shrunk
from gondola.sandbox.chance import chosen, draw, unit
from gondola.sandbox.shops import Shop

__all__ = ["FORTNIGHT", "Kind", "Plant", "Plants", "fortnights_for", "plant"]

FORTNIGHT = 14
FAKE_DISCOUNT_DAYS = 7
SOLD_OUT_DAYS = 3
_HORIZON = 79
_PRODUCTS_PER_FORTNIGHT = 12

Kind = Literal[
    "region_difference",
    "new_product",
    "price_change",
    "sold_out",
    "fake_discount",
    "shrunk_pack",
    "delisting",
    "outage",
    "department_outage",
]
# the day of the fortnight on which each happens in the first store; each further store is three days later
_OFFSETS: dict[Kind, int] = {
    "region_difference": 1,
    "new_product": 2,
    "price_change": 3,
    "sold_out": 4,
    "fake_discount": 5,
    "shrunk_pack": 6,
    "delisting": 7,
    "outage": 9,
    "department_outage": 11,
}
_ON_A_SKU: tuple[Kind, ...] = (
    "price_change",
    "fake_discount",
    "shrunk_pack",
    "sold_out",
    "region_difference",
    "delisting",
)


@dataclass(frozen=True, slots=True)
class Plant:
    """One thing that happens."""

    kind: Kind
    day: int
    last_day: int
    """The last day of a spell; the first day itself for what happens once."""
    product_id: int | None = None
    cents: int = 0
    """What the SKU costs before."""
    new_cents: int = 0
    """The price, or for a fake discount the list price, from the day on."""
    area: str | None = None
    """The only area it happens in."""
    size: str = ""
    new_size: str = ""
    category: Category | None = None

    def holds(self, day: int) -> bool:
        """Whether a day lies in the spell."""
        return self.day <= day <= self.last_day


@dataclass(slots=True)
class Plants:
    """All that is planted in one store."""

    every: list[Plant] = field(default_factory=list)
    on_product: dict[int, Plant] = field(default_factory=dict)
    outages: frozenset[int] = frozenset()
    department_outages: dict[int, Category] = field(default_factory=dict)


def fortnights_for(products: int) -> int:
    """For how many fortnights a store of this size can carry truths of its own."""
    return min(_HORIZON, products // _PRODUCTS_PER_FORTNIGHT)


def plant(
    seed: int, shop: Shop, position: int, tree: Tree, products: list[Product], *, count: int, outages: bool
) -> tuple[list[Product], Plants]:
    """Plant a store's truths.

    Args:
        seed: The world's seed.
        shop: The store.
        position: Its place among the stores, which sets its days apart from theirs.
        tree: Its categories.
        products: Its products; those behind `count` are newcomers.
        count: How many it lists on a day.
        outages: Whether days without answers are planted too.

    Returns:
        The products, those with a truth on them taken out of chance, and the truths.
    """
    ready = [p for p in products[:count] if _fit(p, tree)]
    ready.sort(key=lambda p: draw(seed, shop.id, "planted", p.product_id))
    fortnights = min(fortnights_for(count), len(ready) // len(_ON_A_SKU))
    replaced: dict[int, Product] = {}
    plants = Plants()
    for number in range(fortnights):
        for place, kind in enumerate(_ON_A_SKU):
            if kind == "region_difference" and not shop.areas:
                continue
            product = ready[number * len(_ON_A_SKU) + place]
            item = _on_sku(seed, shop, kind, number * FORTNIGHT + _offset(kind, position), product)
            replaced[product.product_id] = steadied(product, last_day=item.day - 1 if kind == "delisting" else None)
            plants.every.append(item)
            plants.on_product[product.product_id] = item
    for number, product in enumerate(products[count : count + fortnights]):
        day = number * FORTNIGHT + _offset("new_product", position)
        replaced[product.product_id] = steadied(product, first_day=day)
        plants.every.append(Plant("new_product", day, day, product.product_id, new_cents=product.skus[0].cents))
    if outages:
        _plant_outages(seed, shop, position, tree, plants)
    plants.every.sort(key=lambda item: (item.day, item.kind))
    kept = products[: count + fortnights]
    return [replaced.get(p.product_id, p) for p in kept], plants


def _offset(kind: Kind, position: int) -> int:
    # never day 0 of the world: a change needs a day before it
    return 1 + (_OFFSETS[kind] - 1 + 3 * position) % (FORTNIGHT - 1)


def _fit(product: Product, tree: Tree) -> bool:
    sku = product.skus[0]
    whole = len(product.skus) == 1 and not product.weighed and product.pack == 1 and sku.gtin is not None
    return whole and bool(sku.ean) and shrunk(sku.size) is not None and product.places[0] is not tree.outside


def _on_sku(seed: int, shop: Shop, kind: Kind, day: int, product: Product) -> Plant:
    sku = product.skus[0]
    chance = draw(seed, shop.id, kind, product.product_id)
    item = Plant(kind, day, day, product.product_id, cents=sku.cents, new_cents=sku.cents)
    if kind == "price_change":
        factor = 1.12 + 0.13 * unit(chance)
        return replace(item, new_cents=ending(sku.cents * (factor if chance % 3 else 2 - factor)))
    if kind == "fake_discount":
        return replace(
            item, last_day=day + FAKE_DISCOUNT_DAYS - 1, new_cents=ending(sku.cents * (1.3 + 0.3 * unit(chance)))
        )
    if kind == "shrunk_pack":
        return replace(item, size=sku.size, new_size=shrunk(sku.size) or sku.size)
    if kind == "sold_out":
        return replace(item, last_day=day + SOLD_OUT_DAYS - 1)
    if kind == "region_difference":
        area = chosen(shop.areas, chance >> 8)
        factor = 1.08 + 0.1 * unit(chance)
        return replace(item, last_day=day + FORTNIGHT - 1, area=area.id, new_cents=ending(sku.cents * factor))
    return item


def _plant_outages(seed: int, shop: Shop, position: int, tree: Tree, plants: Plants) -> None:
    silent: list[int] = []
    for number in range(_HORIZON):
        day = number * FORTNIGHT + _offset("outage", position)
        silent.append(day)
        plants.every.append(Plant("outage", day, day))
        day = number * FORTNIGHT + _offset("department_outage", position)
        dead = chosen(tree.roots, draw(seed, shop.id, "dead", number))
        plants.department_outages[day] = dead
        plants.every.append(Plant("department_outage", day, day, category=dead))
    plants.outages = frozenset(silent)
