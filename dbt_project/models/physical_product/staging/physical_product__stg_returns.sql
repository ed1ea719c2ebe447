{{ config(alias='stg_returns') }}

-- Loaded from {{ source('physical_product_raw', 'returns') }}: of rows with one key, the newest run's.
with bronze as (
    {{ bronze_rows('physical_product_raw', 'returns', ref('physical_product__loads')) }}
),

newest as (
    select
        *,
        row_number() over (partition by return_id order by run_id desc) as place
    from bronze
)

select
    return_id,
    order_id,
    line_number,
    returned_at,
    return_date,
    quantity,
    reason,
    is_resellable,
    refund_amount,
    run_id
from newest
where place = 1
