{{ config(alias='stg_customers') }}

-- Loaded from {{ source('physical_product_raw', 'customers') }}: of rows with one key, the newest run's.
with bronze as (
    {{ bronze_rows('physical_product_raw', 'customers', ref('physical_product__loads')) }}
),

newest as (
    select
        *,
        row_number() over (partition by customer_id order by run_id desc) as place
    from bronze
)

select
    customer_id,
    customer_name,
    segment,
    city,
    state,
    upper(country) as country,
    signed_up_on,
    run_id
from newest
where place = 1
