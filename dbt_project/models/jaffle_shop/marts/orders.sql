{%- set methods = ['credit_card', 'coupon', 'bank_transfer', 'gift_card'] -%}
{%- set named = "'" ~ methods | join("', '") ~ "'" -%}

with orders as (
    select * from {{ ref('stg_orders') }}
),

-- Summed before the join: an order with two payments is still one order.
payments as (
    select
        order_id,
        {% for method in methods -%}
        sum(case when payment_method = '{{ method }}' then amount else 0 end) as {{ method }}_amount,
        {% endfor -%}
        sum(
            case
                when payment_method in ({{ named }}) then 0
                else amount
            end
        ) as other_amount,
        sum(amount) as amount
    from {{ ref('stg_payments') }}
    group by order_id
)

select
    orders.order_id,
    orders.customer_id,
    orders.order_date,
    orders.status,
    {% for column in methods + ['other'] -%}
    cast(coalesce(payments.{{ column }}_amount, 0) as decimal(18, 2)) as {{ column }}_amount,
    {% endfor -%}
    cast(coalesce(payments.amount, 0) as decimal(18, 2)) as amount
from orders
left join payments on orders.order_id = payments.order_id
