-- Loaded to {{ source('jaffle_shop_raw', 'raw_orders') }}
with orders as (
    {{ raw_rows('jaffle_shop_raw', 'raw_orders') }}
)

select
    id as order_id,
    user_id as customer_id,
    order_date,
    lower(status) as status
from orders
