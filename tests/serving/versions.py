"""Published versions made by hand: small, and telling which one they are."""

from __future__ import annotations

from pathlib import Path

import duckdb

from gondola.settings import Settings
from storage.lake import Lake
from storage.publish import publish

__all__ = ["publish_version", "settings_for"]

# The columns that the questions asked of such a version need.
_TABLES = """
create schema market;
create table market.dim_stores as select
    'alfa' as supermarket, 'centro' as region, 'Alfa' as supermarket_name, 'Centro' as region_name,
    null::varchar as base_url, '88010000' as postal_code, 'centro' as price_region, false as is_alias,
    date '2026-02-01' as first_run_date, date '2026-02-05' as last_run_date, date '2026-02-05' as last_complete_date,
    timestamptz '2026-02-05 12:00:00+00' as last_received_at, 1::bigint as runs, {products}::bigint as products,
    {products}::bigint as products_available;
create table market.fct_runs as select
    'r' as run_id, 'alfa' as supermarket, 'centro' as region, date '2026-02-05' as price_date, 'complete' as status,
    true as is_day_winner, {products}::bigint as expected_products, {products}::bigint as received_products;
create table market.dim_products as select
    'alfa' as supermarket, lpad(i::varchar, 6, '0') as sku_id, i::varchar as product_id, 'v{number}' as brand,
    'Arroz ' || i || ' 1kg' as product_name, 'Arroz ' || i || ' 1kg' as sku_name, 'Mercearia' as department,
    'Arroz' as category, null::varchar as ean, null::varchar as gtin, 'un' as measurement_unit,
    1::decimal(18, 6) as unit_multiplier, 1::bigint as regions_listed, 1::bigint as regions_available,
    {number}::decimal(18, 4) as lowest_price, {number}::decimal(18, 4) as highest_price, null::varchar as link,
    null::varchar as image_url, date '2026-02-05' as last_seen_date
from range({products}) t (i);
"""


def settings_for(home: Path) -> Settings:
    (home / "lake").mkdir(exist_ok=True)
    return Settings(lake=str(home / "lake"), warehouse=home / "warehouse" / "gondola.duckdb", logs=home / "logs")


def publish_version(settings: Settings, number: int, *, products: int = 40, keep: int = 2) -> str:
    """Publish a version in which every brand and price says its number."""
    settings.warehouse.parent.mkdir(exist_ok=True)
    settings.warehouse.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{settings.warehouse}' as gondola; use gondola;")
        connection.execute(_TABLES.format(number=number, products=products))
    name = f"20260205T0000{number:02d}000000Z"
    return publish(Lake.open(settings.lake), settings.warehouse, schemas=[], keep=keep, version=name).version
