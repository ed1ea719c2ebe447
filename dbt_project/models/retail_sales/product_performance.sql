{{ config(**refreshed(['product_key'])) }}

with sold as (
    select
        product_key,
        count(distinct transaction_id) as transactions,
        count(distinct business_date) as days_sold,
        cast(sum(quantity) as decimal(18, 3)) as units,
        cast(sum(total_amount) as decimal(18, 2)) as sales_amount,
        min(unit_price) as lowest_unit_price,
        max(unit_price) as highest_unit_price,
        min(business_date) as first_sold_date,
        max(business_date) as last_sold_date
    from {{ source('retail_sales', 'fact_sales') }}
    group by product_key
),

totals as (
    select
        products.retailer_id,
        sum(sold.sales_amount) as sales_amount
    from sold
    inner join {{ source('retail_sales', 'dim_product') }} as products on sold.product_key = products.product_key
    group by products.retailer_id
)

select
    sold.product_key,
    products.retailer_id,
    products.product_id,
    products.product_name,
    products.brand,
    products.category,
    products.gtin,
    sold.transactions,
    sold.days_sold,
    sold.units,
    sold.sales_amount,
    {{ ratio('sold.sales_amount', 'sold.units', 4) }} as average_unit_price,
    cast(sold.lowest_unit_price as decimal(18, 4)) as lowest_unit_price,
    cast(sold.highest_unit_price as decimal(18, 4)) as highest_unit_price,
    {{ ratio('sold.sales_amount', 'totals.sales_amount', 6) }} as share_of_retailer,
    rank() over (partition by products.retailer_id order by sold.sales_amount desc) as sales_rank,
    sold.first_sold_date,
    sold.last_sold_date,
    {{ fresh_as_of() }} as fresh_as_of
from sold
inner join {{ source('retail_sales', 'dim_product') }} as products on sold.product_key = products.product_key
inner join totals on products.retailer_id = totals.retailer_id
