"""The star schema `retail_sales`: its tables as both engines have them, and what PostgreSQL has besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from storage.engines import Engine

__all__ = ["DIMENSIONS", "FACT", "LOADS", "SCHEMA", "Dimension", "Table", "create_tables", "make_room"]

SCHEMA = "retail_sales"
_LOCK = 5_004_001  # one loader at a time; any number that no other program takes


@dataclass(frozen=True, slots=True)
class Table:
    """A table: columns with types both engines know, and its constraints on PostgreSQL."""

    name: str
    columns: Mapping[str, str]
    required: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()  # lists of columns

    @property
    def full_name(self) -> str:
        """With its schema."""
        return f"{SCHEMA}.{self.name}"


@dataclass(frozen=True, slots=True)
class Dimension(Table):
    """A type-1 dimension: one row for each key, with what was last said of it."""

    key: str = ""
    natural: tuple[str, ...] = ()  # what the key is made of

    @property
    def attributes(self) -> tuple[str, ...]:
        """What may be said anew."""
        return tuple(name for name in self.columns if name not in {self.key, *self.natural, "first_sold_at"})


def _dimension(name: str, key: str, natural: tuple[str, ...], columns: dict[str, str]) -> Dimension:
    seen = {"first_sold_at": "timestamp with time zone", "last_sold_at": "timestamp with time zone"}
    return Dimension(
        name,
        MappingProxyType({key: "bigint"} | columns | seen),
        required=(key, natural[0], *seen),
        constraints=(f"PRIMARY KEY ({key})", f"UNIQUE ({', '.join(natural)})"),
        key=key,
        natural=natural,
    )


DIMENSIONS = (
    _dimension(
        "dim_retailer",
        "retailer_key",
        ("retailer_id",),
        {"retailer_id": "text", "retailer_name": "text", "time_zone": "text", "currency": "text"},
    ),
    _dimension(
        "dim_product",
        "product_key",
        ("retailer_id", "product_id"),
        {
            "retailer_id": "text",
            "product_id": "text",
            "product_name": "text",
            "brand": "text",
            "category": "text",
            "barcode": "text",
            "gtin": "text",
            "gtin_status": "text",
        },
    ),
    _dimension(
        "dim_store",
        "store_key",
        ("retailer_id", "store_id"),
        {"retailer_id": "text", "store_id": "text", "store_name": "text", "city": "text", "state": "text"},
    ),
    _dimension(
        "dim_customer",
        "customer_key",
        ("retailer_id", "customer_id"),
        {"retailer_id": "text", "customer_id": "text", "customer_tier": "text"},
    ),
)

DATES = Table(
    "dim_date",
    MappingProxyType(
        {
            "date_key": "integer",
            "date_day": "date",
            "year_number": "integer",
            "quarter_number": "integer",
            "month_number": "integer",
            "day_of_month": "integer",
            "iso_week": "integer",
            "iso_weekday": "integer",
            "month_start": "date",
            "is_weekend": "boolean",
        }
    ),
    required=("date_key", "date_day"),
    constraints=("PRIMARY KEY (date_key)", "UNIQUE (date_day)"),
)

FACT = Table(
    "fact_sales",
    MappingProxyType(
        {
            "date_key": "integer",
            "business_date": "date",
            "retailer_key": "bigint",
            "transaction_id": "text",
            "product_key": "bigint",
            "store_key": "bigint",
            "customer_key": "bigint",
            "sold_at": "timestamp with time zone",
            "quantity": "decimal(18,3)",
            "unit_price": "decimal(18,4)",
            "total_amount": "decimal(18,2)",
        }
    ),
    required=(
        *("date_key", "business_date", "retailer_key", "transaction_id", "product_key", "store_key", "customer_key"),
        *("sold_at", "quantity", "total_amount"),
    ),
    constraints=(
        "PRIMARY KEY (date_key, retailer_key, transaction_id, product_key)",
        f"FOREIGN KEY (date_key) REFERENCES {SCHEMA}.dim_date",
        *(f"FOREIGN KEY ({one.key}) REFERENCES {one.full_name}" for one in DIMENSIONS),
    ),
    indexes=("product_key", "store_key", "customer_key", "retailer_key, date_key"),
)

LOADS = Table(
    "day_loads",
    MappingProxyType(
        {
            "business_date": "date",
            "retailer_id": "text",
            "status": "text",
            "fact_rows": "bigint",
            "quantity": "decimal(18,3)",
            "total_amount": "decimal(18,2)",
            "fingerprint": "text",
            "loaded_at": "timestamp with time zone",
        }
    ),
    required=("business_date", "retailer_id", "status", "fact_rows", "fingerprint", "loaded_at"),
    constraints=("PRIMARY KEY (business_date, retailer_id)",),
)


def create_tables(engine: Engine) -> None:
    """Make what is missing of the schema; what is there stays.

    Args:
        engine: Where.
    """
    with engine.transaction():
        take_turn(engine)
        engine.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        for table in (DATES, *DIMENSIONS, FACT, LOADS):
            columns = [
                f"{name} {kind}{' NOT NULL' if name in table.required else ''}" for name, kind in table.columns.items()
            ]
            tail = ""
            # On DuckDB a key would cost each load an index of the whole table; dbt's tests hold the same there.
            if engine.is_postgres:
                columns += table.constraints
                tail = " PARTITION BY RANGE (date_key)" if table is FACT else ""
            engine.execute(f"CREATE TABLE IF NOT EXISTS {table.full_name} ({', '.join(columns)}){tail}")
            for column in table.indexes if engine.is_postgres else ():
                name = f"{table.name}_{column.replace(', ', '_')}"
                engine.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table.full_name} ({column})")


def take_turn(engine: Engine) -> None:
    """Wait until no other loader is in a transaction; for the length of this one."""
    if engine.is_postgres:
        engine.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


def make_room(engine: Engine, day: date) -> None:
    """Make the partition of a day's month.

    In a transaction of its own: it locks the table, which a load's transaction should not do for long.

    Args:
        engine: Where.
        day: The day.
    """
    if not engine.is_postgres:
        return
    name = f"{FACT.full_name}_{day:%Y_%m}"
    if engine.rows(f"SELECT to_regclass('{name}') IS NOT NULL")[0][0]:
        return
    after = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    with engine.transaction():
        take_turn(engine)
        engine.execute(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {FACT.full_name} "
            f"FOR VALUES FROM ({day:%Y%m}01) TO ({after:%Y%m%d})"
        )
