{{ config(**refreshed(['customer_key'])) }}

with bought as (
    select
        sales.customer_key,
        max(customers.retailer_id) as retailer_id,
        max(customers.customer_id) as customer_id,
        max(customers.customer_tier) as customer_tier,
        count(distinct sales.transaction_id) as transactions,
        count(distinct sales.business_date) as days_active,
        cast(sum(sales.quantity) as decimal(18, 3)) as units,
        cast(sum(sales.total_amount) as decimal(18, 2)) as lifetime_value,
        min(sales.business_date) as first_purchase_date,
        max(sales.business_date) as last_purchase_date
    from {{ source('retail_sales', 'fact_sales') }} as sales
    inner join {{ source('retail_sales', 'dim_customer') }} as customers
        on sales.customer_key = customers.customer_key
    where customers.customer_id is not null
    group by sales.customer_key
),

newest as (
    select
        retailer_id,
        max(last_purchase_date) as newest_date
    from bought
    group by retailer_id
)

select
    bought.customer_key,
    bought.retailer_id,
    bought.customer_id,
    bought.customer_tier,
    bought.transactions,
    bought.days_active,
    bought.units,
    bought.lifetime_value,
    {{ ratio('bought.lifetime_value', 'bought.transactions', 2) }} as average_ticket,
    bought.first_purchase_date,
    bought.last_purchase_date,
    cast(newest.newest_date - bought.last_purchase_date as bigint) as days_since_last_purchase,
    rank() over (partition by bought.retailer_id order by bought.lifetime_value desc) as value_rank,
    {{ fresh_as_of() }} as fresh_as_of
from bought
inner join newest on bought.retailer_id = newest.retailer_id
