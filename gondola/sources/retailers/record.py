"""One line of a receipt, whoever sold it; and what is said of a row that can't become one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Self

import pyarrow as pa

from gondola.sources.retailers.gtin import judge_gtin

__all__ = [
    "SALES_SCHEMA",
    "BadSaleError",
    "RejectedSale",
    "SalesRecord",
    "decimal_of",
    "moment_of",
    "number_of",
    "text_of",
]

_MONEY = Decimal("0.01")
_UNIT = Decimal("0.0001")
_AMOUNT = Decimal("0.001")
_LARGEST = Decimal(10) ** 11
_LARGEST_NUMBER = 2**31 - 1

# Lines as they lie in silver: a record, and where it came from.
SALES_SCHEMA = pa.schema(
    [
        pa.field("retailer", pa.string(), nullable=False),
        pa.field("transaction_id", pa.string(), nullable=False),
        pa.field("line_number", pa.int32(), nullable=False),
        pa.field("sold_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("business_date", pa.date32(), nullable=False),
        pa.field("store_id", pa.string()),
        pa.field("store_name", pa.string()),
        pa.field("store_city", pa.string()),
        pa.field("store_state", pa.string()),
        pa.field("customer_id", pa.string()),
        pa.field("customer_tier", pa.string()),
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("product_name", pa.string()),
        pa.field("brand", pa.string()),
        pa.field("category", pa.string()),
        pa.field("barcode", pa.string()),
        pa.field("gtin", pa.string()),
        pa.field("gtin_status", pa.string(), nullable=False),
        pa.field("quantity", pa.decimal128(14, 3), nullable=False),
        pa.field("unit_price", pa.decimal128(18, 4), nullable=False),
        pa.field("total_amount", pa.decimal128(18, 2), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
    ]
)


class BadSaleError(ValueError):
    """A row can't become a record."""

    def __init__(self, *, field: str, reason: str) -> None:
        """Name the field, in the retailer's words, and what is wrong."""
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RejectedSale:
    """A row that was refused."""

    source: str  # retailer and page
    row_number: int  # within the page, from 1
    field: str
    reason: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesRecord:
    """One line of a receipt.

    `gtin` is the GTIN-14 of a barcode that means the same product everywhere, else None; `barcode` is what the retailer
    wrote. `unit_price` is money for one unit or kilo, `total_amount` what was paid for the line; a return has a
    negative quantity and total.
    """

    retailer: str
    transaction_id: str
    line_number: int
    sold_at: datetime
    business_date: date  # in the retailer's zone
    product_id: str
    quantity: Decimal
    unit_price: Decimal
    total_amount: Decimal
    currency: str
    gtin_status: str
    gtin: str | None = None
    barcode: str | None = None
    product_name: str | None = None
    brand: str | None = None
    category: str | None = None
    store_id: str | None = None
    store_name: str | None = None
    store_city: str | None = None
    store_state: str | None = None
    customer_id: str | None = None
    customer_tier: str | None = None

    @classmethod
    def checked(cls, *, barcode: str | None, **values: Any) -> Self:
        """A record whose numbers agree with each other.

        Args:
            barcode: As the retailer wrote it.
            **values: The other fields.

        Raises:
            BadSaleError: The quantity is 0, a price is negative, or the total is not quantity times price.
        """
        gtin, status = judge_gtin(barcode)
        record = cls(barcode=barcode, gtin=gtin, gtin_status=status, **values)
        if not record.quantity:
            raise BadSaleError(field="quantity", reason="is 0")
        if record.unit_price < 0:
            raise BadSaleError(field="unit_price", reason="is negative")
        expected = (record.quantity * record.unit_price).quantize(_MONEY, ROUND_HALF_UP)
        if abs(expected - record.total_amount) > _MONEY:  # shops round and cut, both within a cent
            reason = f"{record.total_amount} is not {record.quantity} x {record.unit_price}"
            raise BadSaleError(field="total_amount", reason=reason)
        return record

    def as_row(self, *, fetched_at: datetime, run_id: str) -> dict[str, Any]:
        """The record as a row of silver."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"fetched_at": fetched_at, "run_id": run_id}


def text_of(field: str, value: object, *, required: bool = False) -> str | None:
    """A text without the spaces around it; None when there is nothing in it.

    Args:
        field: The retailer's word for it.
        value: A text, or a whole number that stands for a name.
        required: Whether it must be there.

    Raises:
        BadSaleError: It is required and not there, or is no text that can be written.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is not None and not isinstance(value, str):
        raise BadSaleError(field=field, reason=f"is {type(value).__name__}, not text")
    text = " ".join((value or "").replace("\0", "").split())
    if required and not text:
        raise BadSaleError(field=field, reason="is missing")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadSaleError(field=field, reason="holds half a character") from None
    return text or None


def number_of(field: str, value: object) -> int:
    """A number that counts or names something.

    Args:
        field: The retailer's word for it.
        value: A whole number.

    Raises:
        BadSaleError: It is no whole number, negative or too large.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_NUMBER:
        raise BadSaleError(field=field, reason="is no number")
    return value


def moment_of(field: str, value: object) -> datetime:
    """A moment of ISO 8601 with its offset.

    Args:
        field: The retailer's word for it.
        value: A text of one.

    Raises:
        BadSaleError: It is no moment, or doesn't say of which zone.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise BadSaleError(field=field, reason="is no moment")
    if moment.tzinfo is None:
        raise BadSaleError(field=field, reason="has no offset")
    return moment


def decimal_of(field: str, value: object, kind: str, *, comma: bool = False) -> Decimal:
    """A number, exactly.

    Args:
        field: The retailer's word for it.
        value: A number, or a text of one.
        kind: `quantity` (3 places), `price` (4) or `total` (2).
        comma: Whether a comma divides its decimals, as in Brazil.

    Raises:
        BadSaleError: It is missing, no number, too large, or finer than such a thing can be.
    """
    if value is None or value == "":
        raise BadSaleError(field=field, reason="is missing")
    text = str(value).strip()
    if comma:
        text = text.replace(".", "x").replace(",", ".")  # thousands are not divided
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise BadSaleError(field=field, reason="is no number") from None
    step = {"quantity": _AMOUNT, "price": _UNIT, "total": _MONEY}[kind]
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise BadSaleError(field=field, reason="is no number that can be sold")
    if number != number.quantize(step):
        raise BadSaleError(field=field, reason=f"is finer than {step}")
    return number.quantize(step)
