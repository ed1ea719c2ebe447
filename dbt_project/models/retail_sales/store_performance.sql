{{ config(**refreshed(['store_key'])) }}

select
    sales.store_key,
    max(stores.retailer_id) as retailer_id,
    max(stores.store_id) as store_id,
    max(stores.store_name) as store_name,
    max(stores.city) as city,
    max(stores.state) as state,
    count(distinct sales.transaction_id) as transactions,
    count(distinct customers.customer_id) as customers,
    count(distinct sales.business_date) as days_open,
    cast(sum(sales.quantity) as decimal(18, 3)) as units,
    cast(sum(sales.total_amount) as decimal(18, 2)) as sales_amount,
    {{ ratio('sum(sales.total_amount)', 'count(distinct sales.transaction_id)', 2) }} as average_ticket,
    {{ ratio('sum(sales.total_amount)', 'count(distinct sales.business_date)', 2) }} as sales_per_day,
    min(sales.business_date) as first_sold_date,
    max(sales.business_date) as last_sold_date,
    {{ fresh_as_of() }} as fresh_as_of
from {{ source('retail_sales', 'fact_sales') }} as sales
inner join {{ source('retail_sales', 'dim_store') }} as stores on sales.store_key = stores.store_key
inner join {{ source('retail_sales', 'dim_customer') }} as customers on sales.customer_key = customers.customer_key
group by sales.store_key
