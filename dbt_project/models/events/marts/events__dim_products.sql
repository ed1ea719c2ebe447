{{ config(alias='dim_products') }}

with performance as (
    select
        product_id,
        min(event_date) as first_event_date,
        max(event_date) as last_event_date,
        cast(sum(views) as bigint) as views,
        cast(sum(carts) as bigint) as carts,
        cast(sum(purchases) as bigint) as purchases,
        cast(sum(units) as bigint) as units,
        cast(sum(revenue) as decimal(18, 2)) as revenue
    from {{ ref('int_product_performance') }}
    group by product_id
),

catalogue as (
    select * from {{ ref('stg_products') }}
)

select
    coalesce(catalogue.product_id, performance.product_id) as product_id,
    catalogue.product_id is not null as is_in_catalogue,
    catalogue.product_name,
    catalogue.brand,
    catalogue.category_id,
    catalogue.category_code,
    split_part(catalogue.category_code, '.', 1) as department,
    catalogue.price as list_price,
    catalogue.gtin,
    performance.first_event_date,
    performance.last_event_date,
    coalesce(performance.views, 0) as views,
    coalesce(performance.carts, 0) as carts,
    coalesce(performance.purchases, 0) as purchases,
    coalesce(performance.units, 0) as units,
    performance.revenue
from catalogue
full outer join performance on catalogue.product_id = performance.product_id
