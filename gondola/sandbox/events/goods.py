"""What the web shop sells: products of the sandbox's supermarkets, with barcodes, prices and a few gaps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from gondola.sandbox.catalogue import ending, national_pool, slug
from gondola.sandbox.events.dice import Bools, Dice, Ints
from gondola.sandbox.vocabulary import leaves

__all__ = ["NO_PRICE", "Goods"]

NO_PRICE = -1
_FIRST_ID = 10_000
_UNPRICED, _FREE, _BRANDLESS, _DELISTED = 0.01, 0.003, 0.03, 0.01
_PROMOTED, _DISCOUNT = 0.1, 0.85


@dataclass(frozen=True)
class Goods:
    """The products of one world, by index."""

    seed: int
    count: int

    @cached_property
    def cents(self) -> Ints:
        """Usual price in cents; NO_PRICE where the shop's events never tell one, 0 for gifts."""
        cents = np.array([item.cents[0] for item in self._pool], np.int64)
        chance = Dice(self.seed).unit("gap in price", np.arange(self.count))
        cents[chance < _UNPRICED + _FREE] = 0
        cents[chance < _UNPRICED] = NO_PRICE
        return cents

    @cached_property
    def promoted_cents(self) -> Ints:
        """Price in cents in a week of promotion."""
        lowered = np.array([ending(cents * _DISCOUNT) for cents in self.cents.tolist()], np.int64)
        return np.where(self.cents > 0, lowered, self.cents)

    @cached_property
    def is_listed(self) -> Bools:
        """Whether the catalogue still has it: events may speak of products that are gone."""
        return Dice(self.seed).unit("delisted", np.arange(self.count)) >= _DELISTED

    def price(self, product: Ints, day: Ints) -> Ints:
        """Cents asked for a product on a day, both given by index."""
        on_offer = Dice(self.seed).unit("promotion", product, day // 7) < _PROMOTED
        return np.where(on_offer, self.promoted_cents[product], self.cents[product])

    @cached_property
    def columns(self) -> dict[str, pa.Array]:
        """What an event tells of its product, one row for each: all texts but the price."""
        chance = Dice(self.seed).unit("gap in brand", np.arange(self.count))
        ids = [str(_FIRST_ID + number) for number in range(self.count)]
        paths = [leaves()[item.leaf].path for item in self._pool]
        return {
            "product_id": pa.array(ids),
            "category_id": pa.array([str(2_000_000 + item.leaf) for item in self._pool]),
            "category_code": pa.array([".".join(slug(part, "_") for part in path) for path in paths]),
            "brand": pa.array(
                [None if gap < _BRANDLESS else item.brand for item, gap in zip(self._pool, chance, strict=True)]
            ),
            "page_url": pa.array([f"https://loja.example/p/{number}" for number in ids]),
        }

    @cached_property
    def searches(self) -> pa.Array:
        """What people look for."""
        return pa.array(sorted({word for leaf in leaves() for word in leaf.goods}))

    def catalogue(self) -> pa.Table:
        """The catalogue as the shop gives it."""
        known = self.cents.tolist()
        prices = pa.array([None if cents == NO_PRICE else f"{cents // 100}.{cents % 100:02}" for cents in known])
        table = pa.table(
            {
                "product_id": self.columns["product_id"],
                "product_name": pa.array([item.name(item.sizes[0]) for item in self._pool]),
                "brand": self.columns["brand"],
                "category_id": self.columns["category_id"],
                "category_code": self.columns["category_code"],
                "price": prices.cast(pa.decimal128(18, 2)),
                "gtin": pa.array([item.gtins[0] for item in self._pool]),
            }
        )
        return table.filter(pa.array(self.is_listed))

    @cached_property
    def _pool(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return national_pool(self.seed, self.count)
