with sales as (
    {{ rows_if_made(source('retail_sales', 'fact_sales'), {
        'business_date': 'date', 'product_key': 'bigint', 'quantity': 'decimal(18, 3)', 'total_amount': 'decimal(18, 2)'
    }) }}
),

products as (
    {{ rows_if_made(source('retail_sales', 'dim_product'), {
        'product_key': 'bigint', 'retailer_id': 'varchar', 'product_name': 'varchar', 'gtin': 'varchar'
    }) }}
),

shelf as (
    {{ rows_if_made(ref('fct_prices_daily'), {
        'price_date': 'date', 'supermarket': 'varchar', 'region': 'varchar', 'gtin': 'varchar',
        'price': 'decimal(18, 4)', 'is_available': 'boolean'
    }) }}
),

-- Returns are no price, and in-store codes have no GTIN.
own as (
    select
        sales.business_date,
        products.retailer_id,
        products.gtin,
        max(products.product_name) as product_name,
        sum(sales.quantity) as own_units,
        sum(sales.total_amount) as own_amount
    from sales
    inner join products on sales.product_key = products.product_key
    where products.gtin is not null and sales.quantity > 0
    group by sales.business_date, products.retailer_id, products.gtin
),

competitors as (
    select
        price_date,
        supermarket,
        gtin,
        count(distinct region) as regions,
        min(price) as lowest_price,
        max(price) as highest_price,
        sum(price) as prices,
        count(*) as price_count
    from shelf
    where gtin is not null and is_available and price > 0
    group by price_date, supermarket, gtin
),

compared as (
    select
        own.business_date,
        own.retailer_id,
        own.gtin,
        competitors.supermarket,
        own.product_name,
        cast(own.own_units as decimal(18, 3)) as own_units,
        {{ ratio('own.own_amount', 'own.own_units', 4) }} as own_average_price,
        {{ ratio('competitors.prices', 'competitors.price_count', 4) }} as competitor_average_price,
        competitors.lowest_price as competitor_lowest_price,
        competitors.highest_price as competitor_highest_price,
        competitors.regions as competitor_regions
    from own
    inner join competitors
        on own.business_date = competitors.price_date and own.gtin = competitors.gtin
)

select
    *,
    {{ ratio('own_average_price - competitor_average_price', 'competitor_average_price', 4) }} as own_above_competitor
from compared
