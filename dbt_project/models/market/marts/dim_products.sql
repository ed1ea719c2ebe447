with products as (
    select * from {{ ref('tru_product') }}
),

current_prices as (
    select
        supermarket,
        sku_id,
        count(*) filter (where status <> 'gone') as regions_listed,
        count(*) filter (where is_available) as regions_available,
        min(price) as lowest_price,
        max(price) as highest_price
    from {{ ref('tru_price') }}
    where valid_to is null
    group by supermarket, sku_id
)

select
    products.supermarket,
    products.sku_id,
    products.product_id,
    products.ean,
    products.gtin,
    products.ean_status,
    products.reference_id,
    products.product_name,
    products.sku_name,
    products.brand,
    products.category_path,
    products.department,
    products.category,
    products.subcategory,
    products.link,
    products.image_url,
    products.measurement_unit,
    products.unit_multiplier,
    products.is_sold_by_weight,
    coalesce(current_prices.regions_listed, 0) as regions_listed,
    coalesce(current_prices.regions_available, 0) as regions_available,
    current_prices.lowest_price,
    current_prices.highest_price,
    products.first_seen_date,
    products.last_seen_date
from products
left join current_prices
    on products.supermarket = current_prices.supermarket and products.sku_id = current_prices.sku_id
