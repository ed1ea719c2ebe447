"""From a decoded product to rows of bronze, and from rows to an Arrow table."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
import pyarrow as pa

from gondola.sources.vtex.products import Item, Product, Seller
from gondola.sources.vtex.schema import BRONZE_SCHEMA
from gondola.sources.vtex.teasers import normalise_teasers

__all__ = ["Batch", "ImpossibleValueError", "Row", "choose_seller", "row_of"]

Row = tuple[Any, ...]
"""The values of `BRONZE_SCHEMA` after `run_id` and before `raw`, in its order."""

_HIGHEST_AMOUNT = 1e9  # far above any shelf price, far below what the columns can hold
_AMOUNTS = (
    "Price",
    "ListPrice",
    "PriceWithoutDiscount",
    "FullSellingPrice",
    "spotPrice",
    "unitMultiplier",
    "AvailableQuantity",
)
_NO_SELLER = Seller()


class ImpossibleValueError(ValueError):
    """A value of the right type that no shelf can have."""

    def __init__(self, field: str, value: object) -> None:
        """Name the field and what was in it."""
        super().__init__(f"{field} is {value!r}")
        self.field = field


def choose_seller(sellers: Sequence[Seller], regional: Collection[str]) -> Seller:
    """The seller whose offer a customer of the region sees.

    Args:
        sellers: Who sells the SKU, in the store's order.
        regional: Ids of the region's sellers; empty when not known.

    Returns:
        Of the region's sellers the available one, the default one first; without any, the default
        seller, else the first available, else the first.
    """
    if not sellers:
        return _NO_SELLER
    if regional:
        local = [seller for seller in sellers if str(seller.id) in regional]
        if local:
            return max(local, key=lambda seller: (seller.offer.available, bool(seller.is_default)))
    if len(sellers) == 1:
        return sellers[0]
    for seller in sellers:
        if seller.is_default:
            return seller
    return next((seller for seller in sellers if seller.offer.available), sellers[0])


def row_of(product: Product, item: Item, *, fetched_at: int, slice_key: str, regional: Collection[str]) -> Row:
    """One SKU as a row.

    Args:
        product: The product it belongs to.
        item: The SKU.
        fetched_at: Microseconds since 1970, UTC.
        slice_key: The catalogue slice it was found in.
        regional: Ids of the region's sellers; empty when not known.

    Raises:
        ImpossibleValueError: A price, quantity or multiplier is out of range.
    """
    seller = choose_seller(item.sellers or (), regional)
    offer = seller.offer
    amounts = (
        offer.price,
        offer.list_price,
        offer.price_without_discount,
        offer.full_selling_price,
        offer.spot_price,
        item.unit_multiplier,
        offer.available_quantity,
    )
    for value in amounts:
        if value is not None and not 0 <= value <= _HIGHEST_AMOUNT:
            raise ImpossibleValueError(_AMOUNTS[amounts.index(value)], value)
    return (
        fetched_at,
        slice_key,
        str(product.id),
        str(item.id),
        _text(item.ean),
        _reference(item),
        product.name,
        item.name,
        product.brand,
        _text(product.brand_id),
        product.categories[0] if product.categories else None,
        product.category_ids[0] if product.category_ids else None,
        product.link,
        item.images[0].url if item.images else None,
        item.measurement_unit,
        item.unit_multiplier,
        _text(seller.id),
        seller.name,
        offer.price,
        offer.list_price,
        offer.price_without_discount,
        offer.full_selling_price,
        offer.spot_price,
        offer.available,
        None if offer.available_quantity is None else int(offer.available_quantity),
        offer.price_valid_until,
        normalise_teasers(offer),
    )


def _text(value: str | int | None) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _reference(item: Item) -> str | None:
    if not item.references:
        return None
    for reference in item.references:
        if reference.key == "RefId":
            return _text(reference.value)
    return _text(item.references[0].value)


class Batch:
    """Rows that gather until they are worth a table.

    The products' bytes, most of the memory, are views of the pages they came in, copied once, when the table is made.
    """

    def __init__(self) -> None:
        self.held = 0
        """Bytes of the pages kept alive."""
        self._rows: list[Row] = []
        self._raws: list[msgspec.Raw] = []
        self._ends = array("i", [0])  # of each row's bytes within all of them, as Arrow wants them

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row, raw: msgspec.Raw | None) -> None:
        """Append a row, with the product's bytes unless an earlier row has them."""
        self._rows.append(row)
        end = self._ends[-1]
        if raw is not None:
            self._raws.append(raw)
            end += len(raw)
        self._ends.append(end)

    def table(self, run_id: str) -> pa.Table:
        """The rows, at least one, as a table of `BRONZE_SCHEMA` and of this run; nothing may be added after."""
        columns: Iterator[tuple[Any, ...]] = zip(*self._rows, strict=True)
        arrays = [pa.repeat(pa.scalar(run_id, pa.string()), len(self))]
        arrays += [
            _BUILDERS.get(field.name, pa.array)(column, field.type)
            for field, column in zip(list(BRONZE_SCHEMA)[1:-1], columns, strict=True)
        ]
        _, present = pa.array([begin < end for begin, end in pairwise(self._ends)], pa.bool_()).buffers()
        buffers = [present, pa.py_buffer(self._ends), pa.py_buffer(b"".join(self._raws))]
        arrays.append(pa.Array.from_buffers(pa.binary(), len(self), buffers))
        return pa.Table.from_arrays(arrays, schema=BRONZE_SCHEMA)


def _decimals(column: Sequence[float | None], kind: pa.DataType) -> pa.Array:
    # Arrow rounds the double to the nearest of the decimal's steps, so 17.81 is 17.8100, exactly.
    return pa.array(column, pa.float64()).cast(kind)


def _instants(column: Sequence[int], kind: pa.DataType) -> pa.Array:
    return pa.array(column, pa.int64()).cast(kind)


def _timestamps(column: Sequence[str | None], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(column, pa.string()).cast(kind)
    except pa.ArrowInvalid:  # one odd value must not cost the others
        return pa.array([_timestamp(value) for value in column], kind)


def _timestamp(value: str | None) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(value or "")
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_BUILDERS: dict[str, Callable[[Sequence[Any], pa.DataType], pa.Array]] = {
    "fetched_at": _instants,
    "price_valid_until": _timestamps,
    **{field.name: _decimals for field in BRONZE_SCHEMA if pa.types.is_decimal(field.type)},
}
