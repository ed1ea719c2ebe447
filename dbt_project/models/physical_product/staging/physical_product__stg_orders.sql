{{ config(alias='stg_orders') }}

-- Loaded from {{ source('physical_product_raw', 'orders') }}: of rows with one key, the newest run's.
with bronze as (
    {{ bronze_rows('physical_product_raw', 'orders', ref('physical_product__loads')) }}
),

newest as (
    select
        *,
        row_number() over (partition by order_id, line_number order by run_id desc) as place
    from bronze
)

select
    order_id,
    line_number,
    customer_id,
    product_id,
    ordered_at,
    order_date,
    quantity,
    unit_price,
    cast(quantity * unit_price as decimal(18, 2)) as gross_amount,
    discount as discount_amount,
    cast(quantity * unit_price - discount as decimal(18, 2)) as net_amount,
    total_amount as stated_amount,
    coalesce(total_amount = quantity * unit_price - discount, true) as has_right_total,
    status,
    status = 'cancelled' as is_cancelled,
    coalesce(channel, '(unknown)') as channel,
    run_id
from newest
where place = 1
