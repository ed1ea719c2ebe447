"""A small lake of the market system, written as the crawler leaves it, for the models to read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gondola.sources.vtex.schema import BRONZE_SCHEMA
from storage.records import RunRecord, record_schema


@dataclass(frozen=True)
class Crawl:
    """One run of a store-region and the rows it wrote; values that a row leaves out are null."""

    day: date
    rows: list[dict[str, Any]] = field(default_factory=list)
    started: datetime = datetime(2026, 2, 1, 12, tzinfo=UTC)
    status: str = "complete"
    supermarket: str = "alfa"
    region: str = "centro"
    expected: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)  # further fields of its run record

    @property
    def run_id(self) -> str:
        return f"{self.supermarket}-{self.region}-{self.started:%Y%m%dT%H%M%SZ}"

    @property
    def data_key(self) -> str:
        return (
            f"bronze/market/supermarket={self.supermarket}/region={self.region}/"
            f"year={self.day:%Y}/month={self.day:%m}/day={self.day:%d}/run_{self.started:%Y%m%dT%H%M%SZ}.parquet"
        )

    @property
    def record_key(self) -> str:
        return (
            f"metadata/runs/system=market/year={self.started:%Y}/month={self.started:%m}/day={self.started:%d}/"
            f"{self.run_id}.parquet"
        )

    @property
    def received(self) -> int:
        return len({row.get("product_id", row["sku_id"]) for row in self.rows})


def write_bronze(lake: Path, crawl: Crawl, table: pa.Table | None = None) -> None:
    """Land the rows, or another table in their place."""
    if table is None:
        rows = [{"run_id": crawl.run_id, **row} for row in crawl.rows]
        table = pa.Table.from_pylist(rows, schema=BRONZE_SCHEMA)
    path = lake / crawl.data_key
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def write_record(lake: Path, crawl: Crawl) -> None:
    """Commit the run."""
    attributes = {
        "supermarket": crawl.supermarket,
        "supermarket_name": crawl.supermarket.title(),
        "region": crawl.region,
        "region_name": crawl.region.title(),
        "base_url": f"https://{crawl.supermarket}.test",
        "sellers": ["1"],
        "aliases": [],
        **crawl.attributes,
    }
    record = RunRecord(
        run_id=crawl.run_id,
        system="market",
        scope=f"supermarket={crawl.supermarket}/region={crawl.region}",
        business_date=crawl.day,
        started_at=crawl.started,
        finished_at=crawl.started + timedelta(minutes=5),
        status=crawl.status,
        expected_rows=crawl.received if crawl.expected is None else crawl.expected,
        received_rows=crawl.received,
        written_rows=len(crawl.rows),
        data_key=crawl.data_key if crawl.rows else None,
        attributes=json.dumps(attributes),
        **crawl.figures,
    )
    path = lake / crawl.record_key
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([asdict(record)], schema=record_schema(RunRecord)), path)


def write_crawl(lake: Path, crawl: Crawl) -> None:
    """Land a crawl: the rows, then the record that commits them."""
    if crawl.rows:
        write_bronze(lake, crawl)
    write_record(lake, crawl)
