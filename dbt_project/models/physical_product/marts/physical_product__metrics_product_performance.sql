{{ config(alias='metrics_product_performance', materialized='view') }}

with sales as (
    select
        product_id,
        count(*) as order_lines,
        sum(quantity) as quantity,
        sum(net_amount) as net_amount,
        sum(returned_quantity) as returned_quantity,
        sum(refund_amount) as refund_amount,
        sum(cost_amount) as cost_amount,
        sum(margin_amount) as margin_amount
    from {{ ref('physical_product__fact_sales') }}
    group by product_id
),

waste as (
    select
        product_id,
        sum(quantity) as wasted_quantity,
        sum(waste_cost) as waste_cost
    from {{ ref('physical_product__fact_waste') }}
    group by product_id
),

inspections as (
    select
        product_id,
        count(*) as inspections,
        sum(sample_size) as sample_size,
        sum(defects) as defects
    from {{ ref('physical_product__fact_quality') }}
    group by product_id
),

-- A product without a cost has no margin, even when nothing of it was sold or thrown away.
summed as (
    select
        products.product_id,
        products.product_name,
        products.category,
        products.product_kind,
        products.unit_cost,
        cast(coalesce(sales.order_lines, 0) as bigint) as order_lines,
        cast(coalesce(sales.quantity, 0) as bigint) as quantity,
        cast(coalesce(sales.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(coalesce(sales.returned_quantity, 0) as bigint) as returned_quantity,
        cast(coalesce(sales.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(coalesce(waste.wasted_quantity, 0) as decimal(18, 3)) as wasted_quantity,
        cast(coalesce(inspections.inspections, 0) as bigint) as inspections,
        cast(coalesce(inspections.sample_size, 0) as bigint) as sample_size,
        cast(coalesce(inspections.defects, 0) as bigint) as defects,
        cast(case when products.unit_cost is not null then coalesce(sales.cost_amount, 0) end as decimal(18, 2))
            as cost_amount,
        cast(case when products.unit_cost is not null then coalesce(waste.waste_cost, 0) end as decimal(18, 2))
            as waste_cost,
        cast(case when products.unit_cost is not null then coalesce(sales.margin_amount, 0) end as decimal(18, 2))
            as margin_amount
    from {{ ref('physical_product__dim_products') }} as products
    left join sales on products.product_id = sales.product_id
    left join waste on products.product_id = waste.product_id
    left join inspections on products.product_id = inspections.product_id
)

select
    *,
    cast(margin_amount - waste_cost as decimal(18, 2)) as margin_after_waste,
    {{ share_of('margin_amount', 'net_amount') }} as margin_share,
    {{ share_of('returned_quantity', 'quantity') }} as return_share,
    {{ share_of('defects', 'sample_size') }} as defect_rate
from summed
