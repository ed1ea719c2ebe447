{{ config(alias='stg_products') }}

-- Loaded from {{ source('physical_product_raw', 'products') }}: of rows with one key, the newest run's.
with bronze as (
    {{ bronze_rows('physical_product_raw', 'products', ref('physical_product__loads')) }}
),

newest as (
    select
        *,
        row_number() over (partition by product_id order by run_id desc) as place
    from bronze
)

select
    product_id,
    gtin,
    product_name,
    brand,
    category,
    product_kind,
    unit,
    list_price,
    unit_cost,
    conversion_cost,
    launched_on,
    is_active,
    run_id
from newest
where place = 1
