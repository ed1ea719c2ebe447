"""What the eight files must hold: columns, types, and rules, each with the words a refused row is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

__all__ = ["DOMAINS", "MOMENT", "Column", "Domain", "Rule"]

MOMENT = "timestamp with time zone"
_MONEY, _COST, _QUANTITY = "decimal(18,2)", "decimal(18,4)", "decimal(18,3)"
_NOT_NEGATIVE = ("{v} >= 0", "is below 0")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file. A rule is SQL about the typed value, `{v}`."""

    name: str
    type: str = "varchar"
    required: bool = False
    rule: tuple[str, str] | None = None  # condition, and what is said of a value that breaks it
    words: tuple[str, ...] = ()  # the only values there are
    default: str | None = None  # SQL of what stands for no value
    lands: bool = True  # False: it is checked, and kept nowhere


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition over several columns of a row; the named column takes the blame."""

    field: str
    condition: str
    reason: str


@dataclass(frozen=True)
class Domain:
    """One of the eight files."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    days: tuple[tuple[str, str], ...] = ()  # business dates that are derived: name, and the moment it is the day of
    is_snapshot: bool = False  # the newest run's file is all there is; otherwise its rows replace those of their keys

    @cached_property
    def landed(self) -> Mapping[str, str]:
        """Columns of bronze and their DuckDB types, without those that name the run."""
        own = {column.name: column.type for column in self.columns if column.lands}
        return MappingProxyType(own | {name: "date" for name, _ in self.days})

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns without which no row can be good."""
        return tuple(column.name for column in self.columns if column.required)


def _text(name: str, *, required: bool = False, words: tuple[str, ...] = ()) -> Column:
    rule = None if words else ("length({v}) <= 200", "is longer than 200 characters")
    return Column(name, required=required, words=words, rule=rule)


def _moment(name: str, *, required: bool = True) -> Column:
    return Column(name, MOMENT, required, ("{v} between $earliest and $latest", "is before 2000 or in the future"))


def _day(name: str, *, required: bool = True) -> Column:
    rule = ("{v} between date '2000-01-01' and date '2049-12-31'", "is not between 2000 and 2049")
    return Column(name, "date", required, rule)


def _count(name: str, least: int = 1) -> Column:
    return Column(name, "bigint", True, (f"{{v}} between {least} and 1000000", f"is not between {least} and 1,000,000"))


# The check digit makes the sum of the digits, every other one times three from the right, a multiple of ten.
_IS_GTIN = (
    "regexp_full_match({v}, '\\d{{8}}|\\d{{12,14}}') and list_sum([try_cast(substr(lpad({v}, 14, '0'), i, 1) as "
    "integer) * (1 + 2 * (i % 2)) for i in range(1, 15)]) % 10 = 0"
)
_GTIN = Column("gtin", rule=(_IS_GTIN, "is no barcode: 8, 12, 13 or 14 digits of which the last one checks the others"))

_ALL = (
    Domain(
        "products",
        ("product_id",),
        (
            _text("product_id", required=True),
            _GTIN,
            _text("product_name", required=True),
            _text("brand"),
            _text("category", required=True),
            _text("product_kind", required=True, words=("finished", "component", "material")),
            _text("unit", required=True, words=("each", "kg", "g", "l", "ml", "m")),
            Column("list_price", _MONEY, rule=_NOT_NEGATIVE),
            Column("unit_cost", _COST, rule=_NOT_NEGATIVE),
            Column("conversion_cost", _COST, rule=_NOT_NEGATIVE),
            _day("launched_on", required=False),
            Column("is_active", "boolean", default="true"),
        ),
    ),
    Domain(
        "recipes",
        ("product_id", "component_id"),
        (
            _text("product_id", required=True),
            _text("component_id", required=True),
            Column("quantity", _COST, True, ("{v} > 0 and {v} <= 1000000", "is not above 0 and up to 1,000,000")),
            Column(
                "scrap_share", "decimal(9,4)", rule=("{v} >= 0 and {v} < 1", "is not from 0 to below 1"), default="0"
            ),
        ),
        is_snapshot=True,
    ),
    Domain(
        "customers",
        ("customer_id",),
        (
            _text("customer_id", required=True),
            _text("customer_name"),
            Column("email", rule=("{v} like '_%@_%._%'", "is no e-mail address"), lands=False),
            _text("segment", required=True, words=("consumer", "retail", "wholesale", "distributor")),
            _text("city"),
            _text("state"),
            _text("country"),
            _day("signed_up_on", required=False),
        ),
    ),
    Domain(
        "orders",
        ("order_id", "line_number"),
        (
            _text("order_id", required=True),
            _count("line_number"),
            _text("customer_id", required=True),
            _text("product_id", required=True),
            _moment("ordered_at"),
            _count("quantity"),
            Column("unit_price", _MONEY, True, ("{v} between 0 and 1000000000", "is below 0 or above 1,000,000,000")),
            Column("discount", _MONEY, rule=_NOT_NEGATIVE, default="0"),
            Column("total_amount", _MONEY, rule=_NOT_NEGATIVE),
            _text("status", required=True, words=("placed", "shipped", "delivered", "cancelled")),
            _text("channel"),
        ),
        (Rule("discount", "discount <= quantity * unit_price", "is more than the line costs"),),
        (("order_date", "ordered_at"),),
    ),
    Domain(
        "shipments",
        ("shipment_id",),
        (
            _text("shipment_id", required=True),
            _text("order_id", required=True),
            _text("carrier", required=True),
            _moment("shipped_at"),
            _day("promised_on"),
            _moment("delivered_at", required=False),
            Column("freight_cost", _MONEY, rule=_NOT_NEGATIVE),
        ),
        (Rule("delivered_at", "delivered_at >= shipped_at", "is before it was shipped"),),
        (("shipped_date", "shipped_at"), ("delivered_date", "delivered_at")),
    ),
    Domain(
        "returns",
        ("return_id",),
        (
            _text("return_id", required=True),
            _text("order_id", required=True),
            _count("line_number"),
            _moment("returned_at"),
            _count("quantity"),
            _text("reason"),
            Column("is_resellable", "boolean", True),
            Column("refund_amount", _MONEY, True, _NOT_NEGATIVE),
        ),
        days=(("return_date", "returned_at"),),
    ),
    Domain(
        "waste",
        ("waste_id",),
        (
            _text("waste_id", required=True),
            _text("product_id", required=True),
            _day("wasted_on"),
            Column("quantity", _QUANTITY, True, ("{v} > 0 and {v} <= 1000000", "is not above 0 and up to 1,000,000")),
            _text("reason", required=True, words=("expired", "damaged", "production", "overstock")),
            _text("site"),
        ),
    ),
    Domain(
        "quality",
        ("inspection_id",),
        (
            _text("inspection_id", required=True),
            _text("product_id", required=True),
            _text("batch_id"),
            _moment("inspected_at"),
            _count("sample_size"),
            _count("defects", 0),
            _text("result", required=True, words=("passed", "failed")),
            _text("site"),
        ),
        (Rule("defects", "defects <= sample_size", "are more than were inspected"),),
        (("inspection_date", "inspected_at"),),
    ),
)

DOMAINS: Mapping[str, Domain] = MappingProxyType({domain.name: domain for domain in _ALL})
