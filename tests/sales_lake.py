"""Days of sales on a lake without asking anybody: many rows, and the run records that make them count."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from gondola.sources.retailers import SALES_SCHEMA
from storage.lake import Lake
from storage.layout import SalesSilver, make_run_id
from storage.records import RunRecord, put_run

__all__ = ["FIRST_DAY", "write_sales"]

FIRST_DAY = date(2026, 1, 20)

_ROWS = """
select
    'big' as retailer,
    'T{day}-' || (range // 4) as transaction_id,
    cast(range % 4 + 1 as integer) as line_number,
    timestamptz '{day} 12:00:00-03:00' + to_seconds(cast(range % 30000 as bigint)) as sold_at,
    date '{day}' as business_date,
    's' || (range // 4 % 40) as store_id, 'Loja ' || (range // 4 % 40) as store_name, 'Curitiba' as store_city,
    'PR' as store_state,
    case when range // 4 % 3 > 0 then 'c' || (hash(range // 4) % 50000) end as customer_id,
    case when range // 4 % 3 > 0 then 'prata' end as customer_tier,
    -- Four lines of a receipt never name the same product.
    'p' || (hash(range // 4, {seed}) % 2000 * 4 + range % 4) as product_id,
    'Produto ' || (hash(range // 4, {seed}) % 2000 * 4 + range % 4) as product_name, 'Marca' as brand,
    'Categoria ' || (range % 4) as category, null as barcode, null as gtin, 'missing' as gtin_status,
    cast(range % 5 + 1 as decimal(14, 3)) as quantity,
    cast((hash(range) % 10000 + 100) / 100 as decimal(18, 4)) as unit_price,
    cast((range % 5 + 1) * cast((hash(range) % 10000 + 100) / 100 as decimal(18, 4)) as decimal(18, 2)) as total_amount,
    'BRL' as currency, timestamptz '{fetched_at}' as fetched_at, '{run_id}' as run_id
from range({rows})
"""


def write_sales(home: Path, *, days: int, rows_a_day: int, seed: int = 1) -> list[date]:
    """Put days of one retailer on a lake in a folder.

    Returns:
        The days.
    """
    lake = Lake.open(str(home))
    made = [FIRST_DAY + timedelta(days=step) for step in range(days)]
    with duckdb.connect() as connection:
        for step, day in enumerate(made):
            started_at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=step)
            run_id = make_run_id("retail_sales", "big", started_at=started_at)
            key = SalesSilver("big", day, started_at).key
            path = home / key
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = _ROWS.format(day=day, rows=rows_a_day, fetched_at=started_at.isoformat(), run_id=run_id, seed=seed)
            table = connection.sql(rows).to_arrow_table().cast(SALES_SCHEMA)
            pq.write_table(table, path, compression="zstd")
            info = {"id": "big", "name": "Big", "time_zone": "America/Sao_Paulo", "currency": "BRL"}
            put_run(
                lake,
                RunRecord(
                    run_id=run_id,
                    system="retail_sales",
                    scope="retailer=big",
                    business_date=day,
                    started_at=started_at,
                    finished_at=started_at,
                    status="complete",
                    written_rows=rows_a_day,
                    attributes=json.dumps({"retailer": info, "pages": 1, "days": {day.isoformat(): key}}),
                ),
            )
    return made
