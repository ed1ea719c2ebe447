"""Prices per kilogram, litre, metre or piece, beside the shelf price; null where the size is not known."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa

from gondola.analysis.sizes import read_size
from gondola.serving.reads.answers import Answer

__all__ = ["with_unit_prices"]

_DECLARED = {"kg": "kg", "l": "l", "lt": "l", "m": "m"}
_ADDED = (("unit_price", pa.decimal128(18, 4)), ("price_unit", pa.string()), ("unit_price_source", pa.string()))
_EXACT = Decimal("0.0001")


def with_unit_prices(answer: Answer, price: str) -> Answer:
    """Add `unit_price`, `price_unit` and `unit_price_source` to rows of products.

    A price that the store itself states by weight is a unit price (`declared`); otherwise the size is read from the
    name (`name`). A size that is not known gives no unit price: never the shelf price in its place.

    Args:
        answer: Rows with `product_name`, `sku_name`, `measurement_unit` and `unit_multiplier`.
        price: The column of the price per measurement unit.
    """
    rows = answer.rows
    names = ("product_name", "sku_name", "measurement_unit", "unit_multiplier", price)
    columns = (rows.column(name).to_pylist() for name in names)
    found = [_unit_price(*values) for values in zip(*columns, strict=True)]
    for place, (name, kind) in enumerate(_ADDED):
        rows = rows.append_column(name, pa.array([item[place] for item in found], kind))
    return replace(answer, rows=rows)


def _unit_price(
    product_name: str | None,
    sku_name: str | None,
    measurement_unit: str | None,
    multiplier: Decimal | None,
    price: Decimal | None,
) -> tuple[Decimal | None, str | None, str | None]:
    unit = (measurement_unit or "").strip().lower()
    if unit in _DECLARED:
        return price, _DECLARED[unit], "declared"
    if unit not in {"", "un"} or multiplier not in {None, 1}:
        return None, None, None  # what the price is for is not what the name describes
    size = read_size(sku_name or "") or read_size(product_name or "")
    if size is None:
        return None, None, None
    value = None if price is None else (price / size.amount).quantize(_EXACT, ROUND_HALF_UP)
    return value, size.unit, "name"
