{{ config(**refreshed(['month_start', 'retailer_id', 'category'])) }}

with categories as (
    select
        dates.month_start,
        products.retailer_id,
        -- A product without a category is a part of the mix, and a unique index wants a value.
        coalesce(products.category, '(none)') as category,
        count(distinct sales.product_key) as products,
        count(distinct sales.transaction_id) as transactions,
        cast(sum(sales.quantity) as decimal(18, 3)) as units,
        cast(sum(sales.total_amount) as decimal(18, 2)) as sales_amount
    from {{ source('retail_sales', 'fact_sales') }} as sales
    inner join {{ source('retail_sales', 'dim_date') }} as dates on sales.date_key = dates.date_key
    inner join {{ source('retail_sales', 'dim_product') }} as products on sales.product_key = products.product_key
    group by dates.month_start, products.retailer_id, coalesce(products.category, '(none)')
),

totals as (
    select
        month_start,
        retailer_id,
        sum(sales_amount) as sales_amount
    from categories
    group by month_start, retailer_id
)

select
    categories.month_start,
    categories.retailer_id,
    categories.category,
    categories.products,
    categories.transactions,
    categories.units,
    categories.sales_amount,
    {{ ratio('categories.sales_amount', 'totals.sales_amount', 6) }} as share_of_month,
    {{ fresh_as_of() }} as fresh_as_of
from categories
inner join totals
    on categories.month_start = totals.month_start and categories.retailer_id = totals.retailer_id
