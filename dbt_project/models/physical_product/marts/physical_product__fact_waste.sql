{{ config(alias='fact_waste') }}

select
    waste.waste_id,
    waste.product_id,
    waste.wasted_on,
    waste.quantity,
    waste.reason,
    waste.site,
    costs.unit_cost,
    cast(waste.quantity * costs.unit_cost as decimal(18, 2)) as waste_cost
from {{ ref('physical_product__stg_waste') }} as waste
left join {{ ref('int_physical_product__unit_costs') }} as costs on waste.product_id = costs.product_id
