{#- Costs are rolled up level by level: with each pass, products whose components are all known become known. What is
    made of itself, or of something without a cost, never does. Each pass reads the one before it once, as engines
    that copy a common table expression into every place where it is named would otherwise work 2 to the power of the
    levels. -#}
{%- set levels = var('recipe_levels') -%}

with products as (
    select * from {{ ref('physical_product__stg_products') }}
),

recipes as (
    select * from {{ ref('physical_product__stg_recipes') }}
),

makings as (
    select
        recipes.product_id,
        cast(count(*) as bigint) as components,
        cast(sum(case when parts.product_id is null then 1 else 0 end) as bigint) as missing_components
    from recipes
    left join products as parts on recipes.component_id = parts.product_id
    group by recipes.product_id
),

-- What has a recipe is made, whatever price the catalogue tells of it.
bought as (
    select
        products.product_id,
        cast(products.unit_cost as decimal(18, 6)) as unit_cost,
        cast(0 as integer) as recipe_level
    from products
    left join makings on products.product_id = makings.product_id
    where makings.product_id is null and products.unit_cost is not null
),

conversions as (
    select
        product_id,
        cast(coalesce(conversion_cost, 0) as decimal(18, 6)) as conversion_cost
    from products
),

pass_0 as (
    select * from bought
),
{% for level in range(1, levels + 1) %}
pass_{{ level }} as (
    select
        product_id,
        unit_cost,
        recipe_level
    from bought
    union all
    select
        recipes.product_id,
        cast(
            max(conversions.conversion_cost) + sum(cast(recipes.gross_quantity * parts.unit_cost as decimal(18, 6)))
            as decimal(18, 6)
        ) as unit_cost,
        cast(1 + max(parts.recipe_level) as integer) as recipe_level
    from recipes
    inner join conversions on recipes.product_id = conversions.product_id
    left join pass_{{ level - 1 }} as parts on recipes.component_id = parts.product_id
    group by recipes.product_id
    having count(*) = count(parts.product_id)
){{ ',' }}
{% endfor %}
known as (
    select * from pass_{{ levels }}
)

select
    products.product_id,
    known.unit_cost,
    known.recipe_level,
    makings.product_id is not null as is_made,
    cast(coalesce(makings.components, 0) as bigint) as components,
    cast(coalesce(makings.missing_components, 0) as bigint) as missing_components
from products
left join makings on products.product_id = makings.product_id
left join known on products.product_id = known.product_id
