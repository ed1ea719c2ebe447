{{ config(alias='stg_quality') }}

-- Loaded from {{ source('physical_product_raw', 'quality') }}: of rows with one key, the newest run's.
with bronze as (
    {{ bronze_rows('physical_product_raw', 'quality', ref('physical_product__loads')) }}
),

newest as (
    select
        *,
        row_number() over (partition by inspection_id order by run_id desc) as place
    from bronze
)

select
    inspection_id,
    product_id,
    batch_id,
    inspected_at,
    inspection_date,
    sample_size,
    defects,
    result = 'passed' as is_passed,
    site,
    run_id
from newest
where place = 1
