select
    order_id,
    line_number,
    cast(sum(quantity) as bigint) as returned_quantity,
    cast(sum(case when is_resellable then quantity else 0 end) as bigint) as resellable_quantity,
    cast(sum(refund_amount) as decimal(18, 2)) as refund_amount
from {{ ref('physical_product__stg_returns') }}
group by order_id, line_number
