"""A synthetic lake: one store-region's whole catalogue, every day, as the crawler would have left it.

Everything a model reads is there and believable in shape (barcodes with check digits, padded and missing ones, kg
items, offers, sold-out spells, listings and delistings); `raw` is null, because no model may read it.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gondola.sources.vtex.schema import BRONZE_SCHEMA, SCHEMA_VERSION
from storage.records import RunRecord, record_schema

FIRST_DAY = date(2025, 1, 1)
SUPERMARKET, REGION = "bench", "centro"
CHURN_A_DAY = 0.0005
ROW_GROUP = 1_000  # the crawler streams: its row groups are small

_KINDS = ["Arroz", "Feijão", "Leite", "Café", "Sabão", "Biscoito", "Queijo", "Suco", "Molho", "Macarrão"]
_VARIANTS = ["Tipo 1", "Integral", "Tradicional", "Light", "Premium", "Econômico", "Zero", "Orgânico"]
_SIZES = ["200 g", "500 g", "1 kg", "2 L", "350 ml", "12 un"]
_OFFER = json.dumps(
    [{"name": "Leve 3 Pague 2", "kind": "multi_buy", "minimum_quantity": 3, "percent": None, "amount": None}]
)


# One row per product that is ever listed: all of it that does not change, and what it costs on the first day.
_CATALOGUE = """
create table catalogue as
with drawn as (
    select
        range::int as n, printf('789%09d', range) as body,
        (hash(range, 1) % 10)::int as kind, (hash(range, 2) % 8)::int as variant, (hash(range, 3) % 6)::int as size,
        (hash(range, 4) % 400)::int as brand, (hash(range, 5) % 120)::int as leaf,
        hash(range, 6) % 20 = 0 as weighed, (hash(range, 7) % 100)::int as luck
    from range($pool)
),
coded as (
    select *, list_sum([substr(body, i, 1)::int * if(i % 2 = 0, 3, 1) for i in range(1, 13)])::int as total from drawn
)
select
    n,
    printf('C:/%d/%d/%d/', leaf // 12, 100 + leaf // 4, 1000 + leaf) as slice,
    (100000 + n)::varchar as product_id, (500000 + n)::varchar as sku_id,
    case when luck < 3 then '' when luck < 6 then (n % 9000 + 1000)::varchar else body || (-total % 10 + 10) % 10 end
        as ean,
    printf('R%07d', n) as reference_id,
    printf('%s Marca %d %s %d  %s', $kinds[kind + 1], brand, $variants[variant + 1], n % 997, $sizes[size + 1])
        as product_name,
    $sizes[size + 1] as sku_name, 'Marca ' || brand as brand, (2000000 + brand)::varchar as brand_id,
    printf('/Departamento %d/Categoria %d/Sub %d/', leaf // 12, leaf // 4, leaf) as category_path,
    printf('/%d/%d/%d/', leaf // 12, 100 + leaf // 4, 1000 + leaf) as category_ids,
    printf('https://bench.test/produto-%d/p', n) as link,
    printf('https://img.bench.test/arquivos/ids/%d/imagem.jpg', 900000 + n) as image_url,
    if(weighed, 'kg', 'un') as measurement_unit, if(weighed, 0.3, 1)::decimal(18, 6) as unit_multiplier,
    (hash(n, 8) % 9800 + 199)::int as cents, hash(n, 9) % 25 <> 0 as available
from coded
"""
# A night: 2.5 % of the prices move by up to a fifth, 0.2 % of the products sell out or come back.
_STEP = """
update catalogue set
    cents = if(hash(n, $day, 1) % 1000 < 25, greatest(99, cents * (80 + hash(n, $day, 2) % 42)::int // 100), cents),
    available = if(hash(n, $day, 3) % 1000 < 2, not available, available)
"""
# Each day as many products leave as arrive: number n is listed from day (n - products) / churn on, and one in
# products / churn leaves each day.
_DAY = """
select
    $run_id as run_id, $start + to_milliseconds(n * 20) as fetched_at, * exclude (n, cents, available),
    '1' as seller_id, 'Bench' as seller_name, if(available, cents / 100, 0)::decimal(18, 4) as price,
    if(available, cents * if(n % 11 = 0, 1.2, 1) / 100, 0)::decimal(18, 4) as list_price,
    if(available, cents / 100, 0)::decimal(18, 4) as price_without_discount,
    if(available, cents * unit_multiplier / 100, 0)::decimal(18, 4) as full_selling_price,
    if(available, cents / 100, 0)::decimal(18, 4) as spot_price,
    available as is_available, if(available, 10000, 0)::bigint as available_quantity,
    $start + to_days(365) as price_valid_until, if(n % 33 = 0, $offer, null) as teasers, null::blob as raw
from catalogue
where
    ($day >= (n - $products) // $churn + 1 or n < $products)
    and $day < if(n < $churn * 400, n // $churn + 1, 100000)
order by n
"""


class World:
    """The catalogue and its prices, day after day; always the same world."""

    def __init__(self, products: int) -> None:
        self._products = products
        self._churn = max(1, int(products * CHURN_A_DAY))
        self._day = 0
        self._db = duckdb.connect()
        self._db.execute("set TimeZone = 'UTC'")
        self._db.execute(
            _CATALOGUE,
            {"pool": products + self._churn * 400, "kinds": _KINDS, "variants": _VARIANTS, "sizes": _SIZES},
        )

    def step(self) -> None:
        """One night passes."""
        self._day += 1
        self._db.execute(_STEP, {"day": self._day})

    def table(self, day: date, run_id: str) -> pa.Table:
        """The day's bronze rows."""
        start = datetime.combine(day, time(6), UTC)
        drawn = self._db.execute(
            _DAY,
            {
                "run_id": run_id,
                "start": start,
                "offer": _OFFER,
                "day": self._day,
                "products": self._products,
                "churn": self._churn,
            },
        ).to_arrow_table()
        return drawn.select(BRONZE_SCHEMA.names).cast(BRONZE_SCHEMA)


def write_day(lake: Path, world: World, day: date) -> int:
    """Land one complete crawl of `day`: the bronze file, then its run record.

    Returns:
        Bytes of the bronze file.
    """
    start = datetime.combine(day, time(6), UTC)
    run_id = f"{SUPERMARKET}-{REGION}-{start:%Y%m%dT%H%M%SZ}"
    parts = f"year={day:%Y}/month={day:%m}/day={day:%d}"
    data_key = f"bronze/market/supermarket={SUPERMARKET}/region={REGION}/{parts}/run_{start:%Y%m%dT%H%M%SZ}.parquet"
    table = world.table(day, run_id)
    metadata = {"schema_version": SCHEMA_VERSION, "run_id": run_id}
    data = lake / data_key
    data.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table.replace_schema_metadata(metadata), data, compression="zstd", compression_level=3, row_group_size=ROW_GROUP
    )
    record = {
        "run_id": run_id,
        "system": "market",
        "scope": f"supermarket={SUPERMARKET}/region={REGION}",
        "business_date": day,
        "started_at": start,
        "finished_at": start + timedelta(minutes=10),
        "status": "complete",
        "expected_rows": table.num_rows,
        "received_rows": table.num_rows,
        "written_rows": table.num_rows,
        "rejected_rows": 0,
        "data_key": data_key,
        "data_bytes": data.stat().st_size,
        "requests": table.num_rows // 50,
        "retries": 0,
        "throttled": 0,
        "bytes_received": table.num_rows * 800,
        "seconds_waited": 0.0,
        "error": None,
        "flow_run_id": None,
        "attributes": json.dumps(
            {"supermarket": SUPERMARKET, "supermarket_name": "Bench", "region": REGION, "aliases": []}
        ),
    }
    target = lake / "metadata/runs/system=market" / parts / f"{run_id}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([record], schema=record_schema(RunRecord)), target)
    return data.stat().st_size


def write_lake(lake: Path, *, products: int, days: int) -> tuple[World, int]:
    """Land `days` days, oldest first.

    Returns:
        The world after its last day, to go on with, and the bytes of bronze.
    """
    world, size = World(products), 0
    for number in range(days):
        if number:
            world.step()
        size += write_day(lake, world, FIRST_DAY + timedelta(days=number))
    return world, size
