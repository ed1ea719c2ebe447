-- Loaded to {{ source('jaffle_shop_raw', 'raw_payments') }}
with payments as (
    {{ raw_rows('jaffle_shop_raw', 'raw_payments') }}
)

select
    id as payment_id,
    order_id,
    lower(payment_method) as payment_method,
    -- Cents to money: exact, as a division of decimals is not.
    cast(amount * 0.01 as decimal(18, 2)) as amount
from payments
