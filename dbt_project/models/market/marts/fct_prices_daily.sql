{{ config(materialized='incremental', incremental_strategy='replace_days') }}
{{ require_whole_batch() }}

with offers as not materialized (
    select * from {{ ref('int_market__offers') }}
    where is_pending and sku_id is not null
),

judged_eans as (
    {{ barcodes('offers') }}
)

select
    offers.price_date,
    offers.supermarket,
    offers.region,
    offers.product_id,
    offers.sku_id,
    offers.ean,
    judged_eans.gtin,
    offers.product_name,
    offers.sku_name,
    offers.brand,
    {{ category_level('offers.category_path', 1) }} as department,
    {{ category_level('offers.category_path', 2) }} as category,
    offers.price,
    offers.list_price,
    offers.price_without_discount,
    offers.price_per_increment,
    offers.measurement_unit,
    offers.unit_multiplier,
    offers.is_available,
    offers.promotion_kind,
    offers.promotion_minimum_quantity,
    offers.price_valid_until,
    offers.run_id,
    offers.run_status
from offers
left join judged_eans on offers.ean is not distinct from judged_eans.ean
