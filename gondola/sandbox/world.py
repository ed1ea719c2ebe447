"""The world: stores, what they list and what it costs, for any day, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from gondola.sandbox.assortment import Category, Product, Tree, build_products, build_tree
from gondola.sandbox.catalogue import Template, national_pool
from gondola.sandbox.chance import draw
from gondola.sandbox.offers import Offer, Teaser, in_assortment, offer
from gondola.sandbox.plants import Plant, Plants, fortnights_for, plant
from gondola.sandbox.shops import DEFAULT_SHOPS, Area, Region, Shop

__all__ = ["EPOCH", "Listed", "ShelfRow", "StoreWorld", "World"]

EPOCH = date(2026, 1, 1)
_POOL_FACTOR = 1.35


@dataclass(frozen=True, slots=True)
class Listed:
    """A product as a store shows it on a day in an area."""

    product: Product
    offers: tuple[Offer, ...]
    """One for each of its SKUs."""

    @property
    def available(self) -> bool:
        """Whether any of its SKUs can be bought."""
        return any(item.available for item in self.offers)


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """What a perfect crawl would know of one SKU: the judge's side of every comparison."""

    store: str
    region: str
    product_id: str
    sku_id: str
    ean: str
    """As the store states it."""
    gtin: str | None
    """The true GTIN-13, which the stated code may hide; None for what has none."""
    name: str
    sku_name: str
    brand: str
    categories: tuple[str, ...]
    """Names of every place it hangs on, `/Mercearia/Arroz/`, the main one first."""
    category_ids: tuple[str, ...]
    price: Decimal | None
    """BRL per measurement unit; None when it can't be bought."""
    list_price: Decimal | None
    price_without_discount: Decimal | None
    full_selling_price: Decimal | None
    """BRL per increment: price x unit multiplier, cut to the cent."""
    stated_price: Decimal
    """What the store's answer says, 0 included."""
    stated_list_price: Decimal
    measurement_unit: str
    unit_multiplier: Decimal
    is_available: bool
    seller_id: str
    price_valid_until: date | None
    teasers: tuple[Teaser, ...]


class World:
    """A deterministic market.

    Args:
        seed: Same seed, same world, byte for byte, on any machine.
        products: Products a store lists on a day.
        epoch: The date of day 0.
        shops: The stores.
        crowded_leaf: Further products in one single leaf of the tree, more than half of one brand.
        outages: Whether days on which a store or a department does not answer are planted.
    """

    def __init__(
        self,
        seed: int = 2026,
        products: int = 3000,
        *,
        epoch: date = EPOCH,
        shops: tuple[Shop, ...] = DEFAULT_SHOPS,
        crowded_leaf: int = 0,
        outages: bool = True,
    ) -> None:
        if products < 1 or crowded_leaf < 0:
            message = (
                f"a world needs at least one product a store; got products={products}, crowded_leaf={crowded_leaf}"
            )
            raise ValueError(message)
        self.seed = seed
        self.products = products
        self.epoch = epoch
        self.shops = shops
        self.crowded_leaf = crowded_leaf
        self.outages = outages
        self._stores = {shop.id: StoreWorld(self, shop, place) for place, shop in enumerate(shops)}

    @cached_property
    def pool(self) -> list[Template]:
        """What the brands make."""
        return national_pool(self.seed, int(self.products * _POOL_FACTOR) + 40, self.crowded_leaf)

    @property
    def stores(self) -> tuple[StoreWorld, ...]:
        """Every store, in the order they were given."""
        return tuple(self._stores.values())

    def store(self, store_id: str) -> StoreWorld:
        """A store by its id."""
        return self._stores[store_id]

    def date_of(self, day: int) -> date:
        """The date of a day."""
        return self.epoch + timedelta(days=day)

    def day_of(self, on: date) -> int:
        """The day of a date."""
        return (on - self.epoch).days

    def shelf(self, store: str, region: str, day: int) -> Iterator[ShelfRow]:
        """What a store has on its shelf, SKU by SKU, in the order of product and SKU.

        Args:
            store: A store's id.
            region: A region's id as in the stores file, or `default` for who names none.
            day: The world's day.
        """
        yield from self.store(store).shelf(region, day)


class StoreWorld:
    """One store of a world."""

    def __init__(self, world: World, shop: Shop, position: int) -> None:
        self.world = world
        self.shop = shop
        self._position = position
        # the area nobody asked for has the key 0: its prices are the base of the others
        self._keys = {area.id: draw(world.seed, shop.id, "area", area.id) for area in shop.areas} | {"default": 0}

    @cached_property
    def tree(self) -> Tree:
        """The store's categories."""
        return build_tree(self.world.seed, self.shop)

    @cached_property
    def _planted(self) -> tuple[list[Product], Plants]:
        world = self.world
        count = world.products + world.crowded_leaf
        newcomers = fortnights_for(count)
        products = build_products(world.seed, self.shop, self.tree, world.pool, count=count, newcomers=newcomers)
        return plant(world.seed, self.shop, self._position, self.tree, products, count=count, outages=world.outages)

    @property
    def products(self) -> list[Product]:
        """Everything the store ever lists, by product id."""
        return self._planted[0]

    @property
    def plants(self) -> Plants:
        """The truths planted in this store."""
        return self._planted[1]

    @cached_property
    def _by_id(self) -> dict[int, Product]:
        return {product.product_id: product for product in self.products}

    def product(self, product_id: int) -> Product:
        """A product as it was when it came in."""
        return self._by_id[product_id]

    def region(self, region_id: str) -> Region:
        """A region by its id in the stores file."""
        return next(region for region in self.shop.regions if region.id == region_id)

    def area_of(self, region_id: str) -> Area | None:
        """The area that a region of the stores file sees; None where the store does not deliver."""
        if region_id == "default":
            return self.channel_area(None)
        area = self.region(region_id).area
        return None if area is None else self.shop.area(area)

    def channel_area(self, channel: int | None) -> Area | None:
        """What a sales channel shows; without one, the store's first; None for a channel that is not the store's."""
        area = self.shop.channels.get(next(iter(self.shop.channels)) if channel is None else channel)
        return None if area is None else self.shop.area(area)

    def is_down(self, day: int) -> bool:
        """Whether the store answers nothing on this day."""
        return day in self.plants.outages

    def dead_department(self, day: int) -> Category | None:
        """The department that does not answer on this day."""
        return self.plants.department_outages.get(day)

    def listing(self, area_id: str, day: int) -> list[Listed]:
        """Every product the store lists in an area on a day, by product id."""
        if day < 0:
            message = f"the world begins on day 0, {self.world.epoch}; got day {day}"
            raise ValueError(message)
        key = self._keys[area_id]
        planted = self.plants.on_product
        found: list[Listed] = []
        for product in self.products:
            if not in_assortment(product, key, day):
                continue
            item = planted.get(product.product_id)
            shown = _on_day(product, item, day)
            offers = tuple(
                offer(self.shop, shown, sku, area_id=area_id, area_key=key, day=day, plant=item) for sku in shown.skus
            )
            found.append(Listed(shown, offers))
        return found

    def shelf(self, region: str, day: int) -> Iterator[ShelfRow]:
        """See `World.shelf`."""
        area = self.area_of(region)
        if area is None:
            return
        for listed in self.listing(area.id, day):
            product = listed.product
            for sku, terms in zip(product.skus, listed.offers, strict=True):
                buyable = terms.available and terms.cents > 0
                yield ShelfRow(
                    store=self.shop.id,
                    region=region,
                    product_id=str(product.product_id),
                    sku_id=sku.sku_id,
                    ean=sku.ean,
                    gtin=sku.gtin,
                    name=product.name,
                    sku_name=sku.name,
                    brand=product.brand,
                    categories=tuple(place.names for place in product.places),
                    category_ids=tuple(place.ids for place in product.places),
                    price=money(terms.cents) if buyable else None,
                    list_price=money(terms.list_cents) if buyable else None,
                    price_without_discount=money(terms.undiscounted_cents) if buyable else None,
                    full_selling_price=money(terms.cents * sku.multiplier // 1000) if buyable else None,
                    stated_price=money(terms.cents),
                    stated_list_price=money(terms.list_cents),
                    measurement_unit=sku.unit,
                    unit_multiplier=Decimal(sku.multiplier).scaleb(-3),
                    is_available=terms.available,
                    seller_id=area.seller_id,
                    price_valid_until=a_year_after(self.world.date_of(terms.computed_day)) if terms.cents else None,
                    teasers=terms.teasers,
                )


def money(cents: int) -> Decimal:
    """Cents as an amount of BRL."""
    return Decimal(cents).scaleb(-2)


def a_year_after(day: date) -> date:
    """The same date a year on, as VTEX stamps its offers."""
    return day.replace(year=day.year + 1) if (day.month, day.day) != (2, 29) else day + timedelta(days=365)


def _on_day(product: Product, item: Plant | None, day: int) -> Product:
    if item is None or item.kind != "shrunk_pack" or day < item.day:
        return product
    skus = tuple(
        replace(sku, name=sku.name.replace(item.size, item.new_size), size=item.new_size) for sku in product.skus
    )
    return replace(product, name=product.name.replace(item.size, item.new_size), skus=skus)
