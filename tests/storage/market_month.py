"""A lake with crawls of the market on it, for the tests of compaction and lifecycle."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gondola.sources.vtex.schema import BRONZE_SCHEMA
from storage.lake import Lake
from storage.layout import MarketBronze
from storage.records import RunRecord, put_run

Row = tuple[Any, ...]


def row(run_id: str, sku: int, day: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "fetched_at": datetime(2026, 1, 1, 12, 0, sku % 60, 123456, tzinfo=UTC) + timedelta(days=day),
        "slice": "1",
        "product_id": f"p{sku // 2}",
        "sku_id": f"s{sku}",
        "ean": None if sku % 3 else "",
        "product_name": f"Café 'extra' {sku}",
        "price": Decimal(sku * 100 + day).scaleb(-2).quantize(Decimal("0.0001")),
        "is_available": bool(sku % 5),
        "raw": b'{"id": %d, "day": %d, "\xc3\xa9": "%s"}' % (sku, day, b"x" * 200) if sku % 2 == 0 else None,
    }


def crawl(
    lake: Lake,
    day: date,
    *,
    skus: int = 20,
    hour: int = 12,
    region: str = "centro",
    record: bool = True,
    schema: pa.Schema = BRONZE_SCHEMA,
    written: int | None = None,
    started: datetime | None = None,
) -> MarketBronze:
    """Leave a crawl as the crawler does; `record=False` is one that was killed before its commit."""
    started = started or datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    bronze = MarketBronze("alfa", region, day, started)
    rows = [row(bronze.run_id, sku, day.day) for sku in range(skus)]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer)
    lake.put(bronze.key, buffer.getvalue())
    if record:
        put_run(
            lake,
            RunRecord(
                run_id=bronze.run_id,
                system="market",
                scope=f"supermarket=alfa/region={region}",
                business_date=day,
                started_at=started,
                finished_at=started + timedelta(minutes=5),
                status="complete",
                written_rows=skus if written is None else written,
                data_key=bronze.key,
            ),
        )
    return bronze


def rows_of(lake: Lake, keys: Iterable[str], *, raw: bool = True) -> Counter[Row]:
    """All rows of some files, without their order, read by another reader than the one that wrote them."""
    found: Counter[Row] = Counter()
    for key in keys:
        table = pq.read_table(io.BytesIO(lake.get(key)))
        names = sorted(name for name in table.column_names if raw or name != "raw")
        found.update(zip(*(table[name].to_pylist() for name in names), strict=True))
    return found


def keys(lake: Lake, folder: str) -> list[str]:
    return [entry.key for entry in lake.find(folder)]
