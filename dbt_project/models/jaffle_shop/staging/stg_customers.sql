-- Loaded to {{ source('jaffle_shop_raw', 'raw_customers') }}
with customers as (
    {{ raw_rows('jaffle_shop_raw', 'raw_customers') }}
)

select
    id as customer_id,
    first_name,
    last_name
from customers
