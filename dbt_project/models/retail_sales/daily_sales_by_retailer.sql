{{ config(**refreshed(['business_date', 'retailer_id'])) }}

select
    sales.business_date,
    retailers.retailer_id,
    max(retailers.retailer_name) as retailer_name,
    max(loads.status) as load_status,
    count(distinct sales.transaction_id) as transactions,
    count(distinct customers.customer_id) as customers,
    count(distinct sales.product_key) as products,
    cast(sum(sales.quantity) as decimal(18, 3)) as units,
    cast(sum(sales.total_amount) as decimal(18, 2)) as sales_amount,
    {{ ratio('sum(sales.total_amount)', 'count(distinct sales.transaction_id)', 2) }} as average_ticket,
    {{ fresh_as_of() }} as fresh_as_of
from {{ source('retail_sales', 'fact_sales') }} as sales
inner join {{ source('retail_sales', 'dim_retailer') }} as retailers
    on sales.retailer_key = retailers.retailer_key
inner join {{ source('retail_sales', 'dim_customer') }} as customers
    on sales.customer_key = customers.customer_key
left join {{ source('retail_sales', 'day_loads') }} as loads
    on sales.business_date = loads.business_date and retailers.retailer_id = loads.retailer_id
group by sales.business_date, retailers.retailer_id
