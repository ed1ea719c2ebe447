{{ config(alias='fact_shipments') }}

with orders as (
    select
        order_id,
        min(ordered_at) as ordered_at,
        min(order_date) as order_date,
        min(customer_id) as customer_id
    from {{ ref('physical_product__stg_orders') }}
    group by order_id
),

timed as (
    select
        shipments.*,
        orders.order_id is not null as is_order_known,
        orders.customer_id,
        orders.order_date,
        orders.ordered_at,
        {{ seconds_between('orders.ordered_at', 'shipments.delivered_at') }} as lead_time_seconds,
        {{ days_between('shipments.promised_on', 'shipments.delivered_date') }} as days_late
    from {{ ref('physical_product__stg_shipments') }} as shipments
    left join orders on shipments.order_id = orders.order_id
)

select
    shipment_id,
    order_id,
    is_order_known,
    customer_id,
    order_date,
    carrier,
    ordered_at,
    shipped_at,
    shipped_date,
    promised_on,
    delivered_at,
    delivered_date,
    is_delivered,
    -- Null until it is there: nobody knows before.
    days_late <= 0 as is_on_time,
    days_late,
    lead_time_seconds,
    {{ share_of('lead_time_seconds', 3600) }} as lead_time_hours,
    freight_cost
from timed
