{{ config(alias='dim_products') }}

with catalogue as (
    select * from {{ ref('physical_product__stg_products') }}
),

-- Facts may name products that no catalogue has told of yet: they get a row, which a later file fills.
named as (
    select product_id from {{ ref('physical_product__stg_orders') }}
    union distinct
    select product_id from {{ ref('physical_product__stg_waste') }}
    union distinct
    select product_id from {{ ref('physical_product__stg_quality') }}
    union distinct
    select product_id from {{ ref('physical_product__stg_recipes') }}
    union distinct
    select component_id as product_id from {{ ref('physical_product__stg_recipes') }}
    union distinct
    select product_id from catalogue
)

select
    named.product_id,
    catalogue.product_id is not null as is_in_catalogue,
    catalogue.gtin,
    catalogue.product_name,
    catalogue.brand,
    coalesce(catalogue.category, '(unknown)') as category,
    catalogue.product_kind,
    catalogue.unit,
    catalogue.list_price,
    costs.unit_cost,
    coalesce(costs.is_made, false) as is_made,
    costs.recipe_level,
    cast(coalesce(costs.missing_components, 0) as bigint) as missing_components,
    catalogue.launched_on,
    catalogue.is_active
from named
left join catalogue on named.product_id = catalogue.product_id
left join {{ ref('int_physical_product__unit_costs') }} as costs on named.product_id = costs.product_id
