{{ config(alias='stg_waste') }}

-- Loaded from {{ source('physical_product_raw', 'waste') }}: of rows with one key, the newest run's.
with bronze as (
    {{ bronze_rows('physical_product_raw', 'waste', ref('physical_product__loads')) }}
),

newest as (
    select
        *,
        row_number() over (partition by waste_id order by run_id desc) as place
    from bronze
)

select
    waste_id,
    product_id,
    wasted_on,
    quantity,
    reason,
    site,
    run_id
from newest
where place = 1
