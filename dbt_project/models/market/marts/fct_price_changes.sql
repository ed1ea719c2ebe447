{{ config(materialized='view') }}

with prices as (
    select * from {{ ref('tru_price') }}
),

products as (
    select * from {{ ref('tru_product') }}
)

select
    prices.valid_from as price_date,
    prices.supermarket,
    prices.region,
    prices.sku_id,
    products.product_name,
    products.brand,
    prices.previous_price,
    prices.price,
    cast(prices.price - prices.previous_price as decimal(18, 4)) as change_amount,
    cast(100 * (prices.price - prices.previous_price) / prices.previous_price as decimal(18, 2)) as change_percent,
    prices.valid_to,
    prices.run_id
from prices
left join products on prices.supermarket = products.supermarket and prices.sku_id = products.sku_id
where prices.price <> prices.previous_price
