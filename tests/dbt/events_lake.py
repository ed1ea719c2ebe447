"""A small lake of the events system, written as the ingest leaves it, for the models to read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from storage.records import RunRecord, record_schema

ZONE = ZoneInfo("America/Sao_Paulo")
EVENTS_SCHEMA = pa.schema(
    {
        "event_id": pa.string(),
        "event_time": pa.timestamp("us", tz="UTC"),
        "event_date": pa.date32(),
        "event_type": pa.string(),
        "user_id": pa.string(),
        "session_id": pa.string(),
        "product_id": pa.string(),
        "category_id": pa.string(),
        "category_code": pa.string(),
        "brand": pa.string(),
        "price": pa.decimal128(18, 2),
        "quantity": pa.int32(),
        "order_id": pa.string(),
        "search_query": pa.string(),
        "page_url": pa.string(),
        "referrer": pa.string(),
        "utm_source": pa.string(),
        "utm_medium": pa.string(),
        "utm_campaign": pa.string(),
        "device": pa.string(),
        "country": pa.string(),
        "is_bot": pa.bool_(),
        "source_file": pa.string(),
        "source_row": pa.int64(),
        "run_id": pa.string(),
    }
)
PRODUCTS_SCHEMA = pa.schema(
    {
        **dict.fromkeys(("product_id", "product_name", "brand", "category_id", "category_code"), pa.string()),
        "price": pa.decimal128(18, 2),
        "gtin": pa.string(),
        "run_id": pa.string(),
    }
)
USERS_SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "signup_date": pa.date32(),
        "country": pa.string(),
        "segment": pa.string(),
        "run_id": pa.string(),
    }
)


@dataclass(frozen=True)
class Load:
    """One load and the events it brought; values that a row leaves out are null."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    started: datetime = datetime(2026, 2, 1, 12, tzinfo=UTC)
    status: str = "complete"
    products: list[dict[str, Any]] = field(default_factory=list)
    users: list[dict[str, Any]] = field(default_factory=list)

    @property
    def stamp(self) -> str:
        return f"{self.started:%Y%m%dT%H%M%SZ}"

    @property
    def run_id(self) -> str:
        return f"events-{self.stamp}"

    @property
    def record_key(self) -> str:
        return f"metadata/runs/system=events/{_partition(self.started.date())}/{self.run_id}.parquet"

    def events_key(self, day: date) -> str:
        return f"silver/events/events/{_partition(day)}/run_{self.stamp}.parquet"


def event(at: datetime, kind: str = "view", user: str = "u1", **values: Any) -> dict[str, Any]:
    """An event; its id is a digest of it unless it is given."""
    row = {"event_time": at, "event_type": kind, "user_id": user, **values}
    if "price" in row and row["price"] is not None:
        row["price"] = Decimal(row["price"]).quantize(Decimal("0.01"))
    if kind in {"cart", "purchase"}:
        row.setdefault("quantity", 1)
    row.setdefault("event_id", hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()[:16])
    row["event_date"] = at.astimezone(ZONE).date()
    return row


def by_day(rows: Iterable[dict[str, Any]]) -> dict[date, list[dict[str, Any]]]:
    days: dict[date, list[dict[str, Any]]] = {}
    for row in rows:
        days.setdefault(row["event_date"], []).append(row)
    return days


def write_silver(lake: Path, load: Load) -> list[str]:
    """Land the events, a file for each day.

    Returns:
        Their keys.
    """
    numbered = [
        {"source_file": "events.jsonl", "source_row": number, "run_id": load.run_id, **row}
        for number, row in enumerate(load.rows, start=1)
    ]
    keys = []
    for day, rows in sorted(by_day(numbered).items()):
        write_parquet(lake / load.events_key(day), pa.Table.from_pylist(rows, schema=EVENTS_SCHEMA))
        keys.append(load.events_key(day))
    return keys


def write_record(
    lake: Path, load: Load, events_keys: list[str], *, products_key: str | None = None, users_key: str | None = None
) -> None:
    """Commit the load."""
    attributes = {
        "files": [{"name": "events.jsonl", "rows": len(load.rows)}],
        "events_keys": events_keys,
        "products_key": products_key,
        "users_key": users_key,
        "duration_seconds": 1.5,
        "validity_rate": 1.0,
    }
    record = RunRecord(
        run_id=load.run_id,
        system="events",
        scope="source=test",
        business_date=load.started.date(),
        started_at=load.started,
        finished_at=load.started + timedelta(minutes=1),
        status=load.status,
        received_rows=len(load.rows),
        written_rows=len(load.rows),
        attributes=json.dumps(attributes),
    )
    write_parquet(lake / load.record_key, pa.Table.from_pylist([asdict(record)], schema=record_schema(RunRecord)))


def write_load(lake: Path, load: Load) -> None:
    """Land a load: events, catalogue, profiles, then the record that commits them."""
    keys = write_silver(lake, load)
    snapshots: dict[str, str] = {}
    for name, rows, schema in (("products", load.products, PRODUCTS_SCHEMA), ("users", load.users, USERS_SCHEMA)):
        if rows:
            key = f"silver/events/{name}/run_{load.stamp}.parquet"
            stamped = [{**row, "run_id": load.run_id} for row in rows]
            write_parquet(lake / key, pa.Table.from_pylist(stamped, schema=schema))
            snapshots[f"{name}_key"] = key
    write_record(lake, load, keys, **snapshots)


def write_tables(lake: Path, started: datetime, tables: Iterator[tuple[date, pa.Table]]) -> Load:
    """Land whole tables of events, one for each day, as one load."""
    load = Load(started=started)
    keys = []
    for day, table in tables:
        write_parquet(lake / load.events_key(day), table)
        keys.append(load.events_key(day))
    write_record(lake, load, keys)
    return load


def write_parquet(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")


def _partition(day: date) -> str:
    return f"year={day:%Y}/month={day:%m}/day={day:%d}"


def write_file(lake: Path, file: Path, started: datetime) -> Load:
    """Land a file of the sandbox as one load, the way the ingest is to understand it; broken rows are left out."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = true")
        read = "read_parquet" if file.suffix == ".parquet" else "read_json"
        table = connection.execute(
            f"""
            with rows as (
                select *, row_number() over () as source_row from {read}('{file}')
            )
            select * replace (
                coalesce(event_id, sha256(concat_ws('|', event_time, event_type, user_id, product_id, price)))
                as event_id,
                case when event_type in ('cart', 'purchase') then coalesce(quantity, 1) end as quantity
            ), cast(event_time - interval 3 hour as date) as event_date, '{file.name}' as source_file
            from (select * replace (cast(event_time as timestamptz) as event_time) from rows) as rows
            """
        ).to_arrow_table()
    load = Load(started=started)
    table = table.append_column("run_id", pa.array([load.run_id] * table.num_rows))
    table = table.select(EVENTS_SCHEMA.names).cast(EVENTS_SCHEMA)
    days = sorted(set(table["event_date"].to_pylist()))
    return write_tables(lake, started, ((day, table.filter(pc.equal(table["event_date"], day))) for day in days))
