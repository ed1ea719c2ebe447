{{ config(alias='stg_shipments') }}

-- Loaded from {{ source('physical_product_raw', 'shipments') }}: of rows with one key, the newest run's.
with bronze as (
    {{ bronze_rows('physical_product_raw', 'shipments', ref('physical_product__loads')) }}
),

newest as (
    select
        *,
        row_number() over (partition by shipment_id order by run_id desc) as place
    from bronze
)

select
    shipment_id,
    order_id,
    carrier,
    shipped_at,
    shipped_date,
    promised_on,
    delivered_at,
    delivered_date,
    freight_cost,
    delivered_at is not null as is_delivered,
    run_id
from newest
where place = 1
