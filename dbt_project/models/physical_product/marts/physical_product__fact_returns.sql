{{ config(alias='fact_returns') }}

with sales as (
    select * from {{ ref('physical_product__fact_sales') }}
)

select
    returns.return_id,
    returns.order_id,
    returns.line_number,
    sales.order_id is not null as is_sale_known,
    sales.product_id,
    sales.customer_id,
    sales.order_date,
    returns.return_date,
    returns.returned_at,
    {{ days_between('sales.order_date', 'returns.return_date') }} as days_to_return,
    returns.quantity,
    returns.reason,
    returns.is_resellable,
    returns.refund_amount,
    -- What can be sold again is no loss.
    cast(
        case when returns.is_resellable then 0 else returns.quantity * sales.unit_cost end as decimal(18, 2)
    ) as lost_cost
from {{ ref('physical_product__stg_returns') }} as returns
left join sales on returns.order_id = sales.order_id and returns.line_number = sales.line_number
