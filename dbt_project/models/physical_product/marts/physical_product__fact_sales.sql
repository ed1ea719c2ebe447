{{ config(alias='fact_sales') }}

with lines as (
    select * from {{ ref('physical_product__stg_orders') }}
    where not is_cancelled
),

costed as (
    select
        lines.*,
        cast(coalesce(returned.returned_quantity, 0) as bigint) as returned_quantity,
        cast(coalesce(returned.resellable_quantity, 0) as bigint) as resellable_quantity,
        cast(coalesce(returned.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        costs.unit_cost
    from lines
    left join {{ ref('int_physical_product__returned_lines') }} as returned
        on lines.order_id = returned.order_id and lines.line_number = returned.line_number
    left join {{ ref('int_physical_product__unit_costs') }} as costs on lines.product_id = costs.product_id
),

-- What comes back and can be sold again costs nothing in the end.
spent as (
    select
        *,
        cast((quantity - resellable_quantity) * unit_cost as decimal(18, 2)) as cost_amount
    from costed
)

select
    order_id,
    line_number,
    customer_id,
    product_id,
    order_date,
    ordered_at,
    channel,
    status,
    quantity,
    unit_price,
    gross_amount,
    discount_amount,
    net_amount,
    stated_amount,
    has_right_total,
    returned_quantity,
    resellable_quantity,
    quantity - returned_quantity as kept_quantity,
    refund_amount,
    unit_cost,
    cost_amount,
    cast(net_amount - refund_amount - cost_amount as decimal(18, 2)) as margin_amount
from spent
