"""A store's catalogue as its search index sees it, on one day in one area: filters and orders."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from gondola.sandbox.catalogue import slug
from gondola.sandbox.chance import mix
from gondola.sandbox.payload import clusters
from gondola.sandbox.world import Listed, StoreWorld

__all__ = ["LEGACY_ORDERS", "SEARCH_ORDERS", "View"]

Filters = tuple[tuple[str, tuple[str, ...]], ...]
"""Different keys must all hold; of one key's values, any."""

LEGACY_ORDERS = {
    "OrderByPriceASC": "price:asc",
    "OrderByPriceDESC": "price:desc",
    "OrderByTopSaleDESC": "orders:desc",
    "OrderByReviewRateDESC": "rating:desc",
    "OrderByNameASC": "name:asc",
    "OrderByNameDESC": "name:desc",
    "OrderByReleaseDateDESC": "release:desc",
    "OrderByBestDiscountDESC": "discount:desc",
    "OrderByScoreDESC": "score:desc",
}
SEARCH_ORDERS = frozenset(
    {"price:asc", "price:desc", "orders:desc", "name:asc", "name:desc", "release:desc", "discount:desc"}
)
_PRICE = re.compile(r"^\[\s*([\d.]+|\*)\s+TO\s+([\d.]+|\*)\s*\]$")


class View:
    """An index over what a store lists on a day in an area.

    Args:
        store: The store.
        area_id: The area.
        day: The world's day.
    """

    def __init__(self, store: StoreWorld, area_id: str, day: int) -> None:
        self.store = store
        # as recorded on live stores: what can be bought first, then the highest product id
        self.all = sorted(store.listing(area_id, day), key=lambda item: (not item.available, -item.product.product_id))
        base = self.all if area_id == "default" else store.listing("default", day)
        # the index knows one price per product, that of who names no region
        self._indexed = {item.product.product_id: _lowest(item) for item in base}
        self._places: dict[str, list[Listed]] = defaultdict(list)
        for item in self.all:
            for path in dict.fromkeys((*_ancestors(item), *_facets(item))):
                self._places[path].append(item)
        self._found: dict[tuple[Filters, str], list[Listed]] = {}

    def in_category(self, ids: str) -> list[Listed]:
        """What hangs on a category or below it, addressed by its full path of ids."""
        return self._places.get(ids, [])

    def find(self, filters: Filters, order: str = "") -> list[Listed]:
        """The products that pass every filter, in an order of `LEGACY_ORDERS` values (default order when empty)."""
        known = self._found.get((filters, order))
        if known is None:
            known = self._found[filters, order] = self._ordered(self._filtered(filters), order)
        return known

    def _filtered(self, filters: Filters) -> list[Listed]:
        found = self.all
        for key, values in filters:
            if found is self.all and len(values) == 1 and (key == "C" or key.startswith("category-")):
                found = self._places.get(values[0] if key == "C" else f"{key}/{values[0]}", [])
                continue
            tests = [self._test(key, value) for value in values]
            found = [item for item in found if any(test(item) for test in tests)]
        return found

    def _test(self, key: str, value: str) -> Callable[[Listed], bool]:  # noqa: PLR0911 - one return per kind of filter
        if key == "C":
            return lambda item: value in _ancestors(item)
        if key == "B":
            return lambda item: str(item.product.brand_id) == value
        if key == "brand":
            return lambda item: slug(item.product.brand) == value
        if key == "productId":
            return lambda item: str(item.product.product_id) == value
        if key == "skuId":
            return lambda item: any(sku.sku_id == value for sku in item.product.skus)
        if key == "alternateIds_Ean":
            return lambda item: any(sku.ean == value for sku in item.product.skus) and bool(value)
        if key == "alternateIds_RefId":
            return lambda item: item.product.reference == value
        if key == "linkText":
            return lambda item: item.product.link_text == value
        if key == "text":
            words = slug(value).split("-")
            return lambda item: all(word in slug(item.product.name) for word in words)
        return self._rarer_test(key, value)

    def _rarer_test(self, key: str, value: str) -> Callable[[Listed], bool]:
        if key == "P":
            return self._price_test(value)
        if key in {"productClusterIds", "H"}:
            return lambda item: any(number == value for number, _ in clusters(item.product))
        if key.startswith("isAvailablePerSalesChannel_"):
            return lambda item: item.available is (value == "1")
        if key == "available":
            return lambda item: item.available
        if key.startswith("category-"):
            return lambda item: f"{key}/{value}" in _facets(item)
        return lambda _: False

    def _price_test(self, value: str) -> Callable[[Listed], bool]:
        match = _PRICE.match(value)
        if match is None:
            return lambda _: False
        low = float(match[1]) if match[1] != "*" else 0.0
        high = float(match[2]) if match[2] != "*" else float("inf")

        def test(item: Listed) -> bool:
            # the indexed price has one decimal, and what can't be bought has none
            cents = self._indexed.get(item.product.product_id, 0)
            return cents > 0 and low <= cents // 10 / 10 <= high

        return test

    def _ordered(self, found: list[Listed], order: str) -> list[Listed]:
        if not order:
            return found
        field, _, direction = order.partition(":")
        keys: dict[str, Callable[[Listed], float | str]] = {
            "price": lambda item: self._indexed.get(item.product.product_id, 0),
            "name": lambda item: slug(item.product.name),
            "release": lambda item: item.product.released,
            "discount": _discount,
            "orders": lambda item: mix(item.product.skus[0].key, 21),
            "rating": lambda item: mix(item.product.skus[0].key, 22) % 50,
            "score": lambda item: mix(item.product.skus[0].key, 23),
        }
        key = keys[field]
        # descending is ascending turned round, ties included
        return sorted(
            found,
            key=lambda item: (key(item), item.product.product_id),
            reverse=direction == "desc",
        )


def _ancestors(item: Listed) -> Iterable[str]:
    for place in item.product.places:
        parts = place.ids.strip("/").split("/")
        for depth in range(1, len(parts) + 1):
            yield "/" + "/".join(parts[:depth]) + "/"


def _facets(item: Listed) -> Iterable[str]:
    for place in item.product.places:
        for depth, name in enumerate(place.slugs, start=1):
            yield f"category-{depth}/{name}"


def _lowest(item: Listed) -> int:
    return min((offer.cents for offer in item.offers if offer.cents and offer.available), default=0)


def _discount(item: Listed) -> float:
    return max((1 - offer.cents / offer.list_cents for offer in item.offers if offer.list_cents), default=0.0)
