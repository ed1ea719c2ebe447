{{ config(alias='metrics_sales_performance', materialized='view') }}

with sales as (
    select
        sales.*,
        products.category
    from {{ ref('physical_product__fact_sales') }} as sales
    inner join {{ ref('physical_product__dim_products') }} as products on sales.product_id = products.product_id
),

summed as (
    select
        order_date,
        category,
        channel,
        cast(count(distinct order_id) as bigint) as orders,
        cast(count(*) as bigint) as order_lines,
        cast(sum(quantity) as bigint) as quantity,
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount,
        cast(sum(returned_quantity) as bigint) as returned_quantity,
        cast(sum(refund_amount) as decimal(18, 2)) as refund_amount,
        cast(sum(margin_amount) as decimal(18, 2)) as margin_amount,
        cast(sum(case when unit_cost is null then 1 else 0 end) as bigint) as lines_without_cost
    from sales
    group by order_date, category, channel
)

select
    *,
    cast(net_amount - refund_amount as decimal(18, 2)) as net_after_returns,
    {{ share_of('net_amount', 'orders') }} as net_per_order,
    {{ share_of('returned_quantity', 'quantity') }} as return_share
from summed
