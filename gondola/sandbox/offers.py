"""What a SKU costs on a day: a pure function of its key and the day, so no day has to be reached through the others.

A SKU's time is cut into stretches of three to eight weeks, each with one change at a drawn day: that is 2 to 3 % of
an assortment a day, as recorded catalogues show (a third of SKUs in a fortnight). About one
stretch in four is an offer.
"""

from __future__ import annotations

from dataclasses import dataclass

from gondola.sandbox.assortment import Product, Sku
from gondola.sandbox.catalogue import ending
from gondola.sandbox.chance import mix
from gondola.sandbox.plants import Plant
from gondola.sandbox.shops import Shop

__all__ = ["Offer", "Teaser", "in_assortment", "offer"]

_AREA_FACTORS = (93, 95, 97, 103, 105, 108)


@dataclass(frozen=True, slots=True)
class Teaser:
    """A promotion that needs more than putting one in the basket."""

    name: str
    kind: str
    """`multi_buy` or `club`."""
    minimum_quantity: int
    percent: str
    """Discount in percent, as the platform writes it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A seller's terms for a SKU, in cents of BRL per measurement unit."""

    cents: int
    list_cents: int
    undiscounted_cents: int
    """Before the promotion engine: what VTEX calls PriceWithoutDiscount."""
    available: bool
    quantity: int
    computed_day: int
    """The day on which the platform computed it; caches serve it for some days after."""
    computed_second: int
    teasers: tuple[Teaser, ...] = ()


_NO_OFFER = Offer(0, 0, 0, available=False, quantity=0, computed_day=0, computed_second=0)


def in_assortment(product: Product, area_key: int, day: int) -> bool:
    """Whether a store lists a product on a day in an area (the key 0 is the area of who names none)."""
    if product.first_day is not None and day < product.first_day:
        return False
    if product.last_day is not None and day > product.last_day:
        return False
    return product.steady or area_key == 0 or mix(area_key ^ product.skus[0].key, 11) % 100 >= 3


def offer(
    shop: Shop, product: Product, sku: Sku, *, area_id: str, area_key: int, day: int, plant: Plant | None
) -> Offer:
    """The default seller's terms.

    Args:
        shop: The store.
        product: The product.
        sku: One of its SKUs.
        area_id: The area that asks.
        area_key: That area's key, 0 for the default one.
        day: The world's day.
        plant: The truth planted on the product, if there is one.
    """
    if product.steady:
        return _planted(sku, area_id, day, plant)
    if not _in_stock(shop, sku, area_key, day):
        return _NO_OFFER
    start, stretch = _stretch(sku.key, day)
    regular = _regular(sku, stretch, start)
    price = list_price = undiscounted = regular
    style = mix(sku.key, 7_000_000 + stretch) % 1000
    if style < 200:  # a flyer's offer
        price = undiscounted = ending(regular * (720 + style) / 1000)
    elif style < 250:  # the promotion engine takes off a part, on top of a lowered price for some
        undiscounted = ending(regular * 0.94) if style % 2 else regular
        price = ending(undiscounted * (700 + style) / 1000)
    if area_key and mix(area_key ^ sku.key, 5) % 10 < 3:  # three in ten have a price of their own here
        factor = _AREA_FACTORS[mix(area_key ^ sku.key, 6) % len(_AREA_FACTORS)]
        price, undiscounted, list_price = (ending(v * factor / 100) for v in (price, undiscounted, list_price))
    ghost = mix(sku.key, 13) % 1000 < 4  # priced, and yet not to be had
    stale = min(day - start, mix(sku.key, 8_000_000 + day // 5) % 6)
    return Offer(
        price,
        list_price,
        undiscounted,
        available=not ghost,
        quantity=0 if ghost else (1, 10, 100, 100, 99999)[mix(sku.key, day // 3) % 5],
        computed_day=day - stale,
        computed_second=mix(sku.key, 9_000_000 + stretch) % 86_400,
        teasers=_teasers(shop, sku, stretch),
    )


def _planted(sku: Sku, area_id: str, day: int, plant: Plant | None) -> Offer:
    price = list_price = sku.cents
    if plant is not None:
        if plant.kind == "sold_out" and plant.holds(day):
            return _NO_OFFER
        if plant.kind == "price_change" and day >= plant.day:
            price = list_price = plant.new_cents
        elif plant.kind == "fake_discount" and plant.holds(day):
            list_price = plant.new_cents
        elif plant.kind == "region_difference" and plant.area == area_id and plant.holds(day):
            price = list_price = plant.new_cents
    return Offer(price, list_price, price, True, 100, day, sku.key % 86_400)


def _in_stock(shop: Shop, sku: Sku, area_key: int, day: int) -> bool:
    spell = 8 + sku.key % 9
    number = (day + (sku.key >> 8) % spell) // spell
    if mix(sku.key, 1_000_000 + number) % 1000 < shop.out_of_stock:
        return False
    return area_key == 0 or mix(area_key ^ sku.key, 2_000_000 + number) % 1000 >= 15


def _stretch(key: int, day: int) -> tuple[int, int]:
    """The first day and the number of the stretch that a day lies in."""
    cycle = 20 + key % 25
    shift = (key >> 16) % cycle
    number, rest = divmod(day + shift, cycle)
    turn = mix(key, number) % cycle
    if rest < turn:
        number -= 1
        turn = mix(key, number) % cycle
    return number * cycle - shift + turn, number


def _regular(sku: Sku, stretch: int, start: int) -> int:
    """The price without an offer: a slow and a fast wobble about a level that rises 0.35 % a month."""
    slow = mix(sku.key, 3_000_000 + stretch // 6) % 2001 / 1000 - 1
    fast = mix(sku.key, 4_000_000 + stretch) % 2001 / 1000 - 1
    return ending(sku.cents * (1 + 0.0035 * start / 30) * (1 + 0.06 * slow + 0.045 * fast))


def _teasers(shop: Shop, sku: Sku, stretch: int) -> tuple[Teaser, ...]:
    draw = mix(sku.key, 6_000_000 + stretch) % 1000
    if draw < 25:
        return (Teaser("Leve 3 Pague 2", "multi_buy", 3, "33.3333"),)
    if draw < 40:
        return (Teaser("50% OFF na 2ª unidade", "multi_buy", 2, "25.0000"),)
    if draw < 60:
        return (Teaser(f"Clube {shop.name.split()[-1]} 10% OFF", "club", 1, "10.0000"),)
    return ()
