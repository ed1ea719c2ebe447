{{ config(alias='metrics_customer_analytics', materialized='view') }}

with sales as (
    select
        customer_id,
        count(distinct order_id) as orders,
        count(*) as order_lines,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        sum(quantity) as quantity,
        sum(net_amount) as net_amount,
        sum(returned_quantity) as returned_quantity,
        sum(refund_amount) as refund_amount,
        sum(margin_amount) as margin_amount
    from {{ ref('physical_product__fact_sales') }}
    group by customer_id
),

shipments as (
    select
        customer_id,
        sum(case when is_delivered then 1 else 0 end) as delivered,
        sum(case when is_on_time then 1 else 0 end) as on_time
    from {{ ref('physical_product__fact_shipments') }}
    where customer_id is not null
    group by customer_id
),

newest as (
    select max(order_date) as newest_date from {{ ref('physical_product__fact_sales') }}
),

summed as (
    select
        customers.customer_id,
        customers.segment,
        customers.state,
        sales.first_order_date,
        sales.last_order_date,
        -- Counted from the newest sale of all, so that the answer is the same whenever it is asked.
        {{ days_between('sales.last_order_date', 'newest.newest_date') }} as days_since_last_order,
        cast(coalesce(sales.orders, 0) as bigint) as orders,
        cast(coalesce(sales.order_lines, 0) as bigint) as order_lines,
        cast(coalesce(sales.quantity, 0) as bigint) as quantity,
        cast(coalesce(sales.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(coalesce(sales.returned_quantity, 0) as bigint) as returned_quantity,
        cast(coalesce(sales.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(sales.margin_amount as decimal(18, 2)) as margin_amount,
        cast(coalesce(shipments.delivered, 0) as bigint) as delivered_shipments,
        cast(coalesce(shipments.on_time, 0) as bigint) as on_time_shipments
    from {{ ref('physical_product__dim_customers') }} as customers
    left join sales on customers.customer_id = sales.customer_id
    left join shipments on customers.customer_id = shipments.customer_id
    cross join newest
)

select
    *,
    cast(net_amount - refund_amount as decimal(18, 2)) as lifetime_value,
    -- Of customers who bought anything, 1 is the fifth that is worth most; equals are parted by their ids.
    cast(
        case
            when orders > 0
                then ntile(5) over (
                    partition by case when orders > 0 then 1 else 0 end
                    order by net_amount - refund_amount desc, customer_id asc
                )
        end as integer
    ) as value_fifth,
    {{ share_of('net_amount', 'orders') }} as net_per_order,
    {{ share_of('returned_quantity', 'quantity') }} as return_share,
    {{ share_of('on_time_shipments', 'delivered_shipments') }} as on_time_share
from summed
