"""The same tables as the dbt models', by a hand-tuned DuckDB script: what dbt and its generality are measured against.

It knows what the models can't: one store-region, one complete run a day, no drift, nothing built before.
`python -m benchmarks.transform.tuned LAKE WAREHOUSE THREADS MEMORY`
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

_VIEW = """
create temp view offers as
select
    * exclude (price, list_price, price_without_discount, full_selling_price, is_available),
    is_available and price > 0 as is_available,
    if(is_available and price > 0, price, null) as price,
    if(is_available and price > 0 and list_price between price and price * 5, list_price, null) as list_price,
    if(is_available and price > 0 and price_without_discount > 0, price_without_discount, null)
        as price_without_discount,
    if(is_available and price > 0 and full_selling_price > 0, full_selling_price, null) as price_per_increment,
    make_date(year::int, month::int, day::int) as price_date,
    if(teasers is null, null, teasers ->> '$[0].kind') as promotion_kind,
    if(teasers is null, null, (teasers ->> '$[0].minimum_quantity')::int) as promotion_minimum_quantity
from read_parquet('{lake}/bronze/market/*/*/*/*/*/*.parquet', hive_partitioning = true,
    hive_types = {{'supermarket': varchar, 'region': varchar, 'year': varchar, 'month': varchar, 'day': varchar}})
"""

# Barcodes are judged once each, the surrogate key of a SKU is made on the way.
_SKUS = """
create temp table barcodes as
with eans as (select distinct ean from offers),
numbers as (select ean, ltrim(ean, '0') as digits, try_cast(ltrim(ean, '0') as bigint) as number from eans)
select
    ean,
    case
        when coalesce(digits, '') = '' then 'missing'
        when number is null then 'not_numeric'
        when length(digits) > 14 then 'too_long'
        when length(digits) <= 5 then 'plu'
        when length(digits) < 8 or (length(digits) = 8 and digits[1] = '2')
            or number // 100000000000 % 100 in (2, 4, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29) then 'restricted'
        when list_sum([(number // (10 ** i)::bigint % 10) * if(i % 2 = 0, 1, 3) for i in range(14)]) % 10 <> 0
            then 'bad_check_digit'
        else 'valid'
    end as ean_status,
    if(ean_status = 'valid', lpad(digits, 14, '0'), null) as gtin
from numbers
"""

_FACT = """
create table out.fct_prices_daily as
select
    price_date, supermarket, region, product_id, sku_id, ean, gtin, product_name, sku_name, brand,
    split_part(category_path, '/', 2) as department, split_part(category_path, '/', 3) as category,
    price, list_price, price_without_discount, price_per_increment, measurement_unit, unit_multiplier, is_available,
    promotion_kind, promotion_minimum_quantity, price_valid_until, run_id, 'complete' as run_status
from offers left join barcodes using (ean)
"""

# The table just written is read faster than the files; the sort is on an integer and a date.
_PRICE = """
create table out.tru_price as
with skus as materialized (
    select sku_id, row_number() over ()::int as sku from (select distinct sku_id from out.fct_prices_daily)
),
days as (
    select price_date, run_id, lead(price_date) over (order by price_date) as next_date
    from (select distinct price_date, run_id from out.fct_prices_daily)
),
narrow as (
    select
        sku, price_date, is_available, price, list_price, price_without_discount, promotion_kind,
        promotion_minimum_quantity
    from out.fct_prices_daily inner join skus using (sku_id)
),
compared as (
    select
        *, lag(price_date) over w as seen_before, lead(price_date) over w as seen_after,
        lag(is_available) over w is distinct from is_available or lag(price) over w is distinct from price
        or lag(list_price) over w is distinct from list_price
        or lag(price_without_discount) over w is distinct from price_without_discount
        or lag(promotion_kind) over w is distinct from promotion_kind
        or lag(promotion_minimum_quantity) over w is distinct from promotion_minimum_quantity as is_other
    from narrow
    window w as (partition by sku order by price_date)
),
turns as (
    select * from compared
    where is_other or seen_before < price_date - 1 or seen_after is null or seen_after > price_date + 1
),
starts as (
    select
        sku, price_date as valid_from, if(is_available, 'listed', 'unavailable') as status,
        * exclude (sku, price_date, seen_before, seen_after, is_other)
    from turns where is_other or seen_before < price_date - 1
    union all by name
    select sku, next_date as valid_from, 'gone' as status, false as is_available
    from turns inner join days using (price_date)
    where next_date is not null and (seen_after is null or seen_after > next_date)
),
chained as (
    select
        *, lead(valid_from) over w as valid_to,
        last_value(price ignore nulls) over (w rows between unbounded preceding and 1 preceding) as previous_price
    from starts
    window w as (partition by sku order by valid_from)
)
select
    'bench' as supermarket, 'centro' as region, sku_id, valid_from, valid_to, status, is_available, price, list_price,
    price_without_discount, promotion_kind, promotion_minimum_quantity, previous_price, run_id
from chained inner join skus using (sku) inner join days on valid_from = price_date
"""

_PRODUCT = """
create table out.tru_product as
with seen as (
    select sku_id, max(price_date) as price_date, min(price_date) as first_seen_date
    from out.fct_prices_daily group by sku_id
),
latest as (
    select
        supermarket, sku_id, product_id, ean, gtin, ean_status, reference_id,
        trim(regexp_replace(product_name, '\\s+', ' ', 'g')) as product_name, sku_name, brand, brand_id, category_path,
        category_ids, split_part(category_path, '/', 2) as department, split_part(category_path, '/', 3) as category,
        split_part(category_path, '/', 4) as subcategory, link, image_url, measurement_unit, unit_multiplier,
        measurement_unit = 'kg' as is_sold_by_weight, first_seen_date, price_date as last_seen_date,
        run_id as last_run_id
    from offers inner join seen using (sku_id, price_date) left join barcodes using (ean)
)
select * from latest
"""

_DIMENSIONS = """
create table out.dim_products as
select p.* exclude (brand_id, category_ids, last_run_id), n.* exclude (sku_id)
from out.tru_product as p
left join (
    select
        sku_id, count(*) filter (status <> 'gone') as regions_listed,
        count(*) filter (is_available) as regions_available,
        min(price) as lowest_price, max(price) as highest_price
    from out.tru_price where valid_to is null group by sku_id
) as n using (sku_id)
"""


def main(lake: str, warehouse: str, threads: str, memory: str) -> None:
    connection = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": memory,
            "preserve_insertion_order": "false",
            "enable_external_file_cache": "false",
            "temp_directory": f"{warehouse}.tmp",
        }
    )
    connection.execute("set TimeZone = 'UTC'")
    Path(warehouse).unlink(missing_ok=True)
    connection.execute(f"attach '{warehouse}' as out (storage_version 'v1.5.0')")
    for statement in (_VIEW.format(lake=lake), _SKUS, _FACT, _PRICE, _PRODUCT, _DIMENSIONS):
        connection.execute(statement)
    connection.execute("detach out")


if __name__ == "__main__":
    main(*sys.argv[1:])
