{{ config(**refreshed(['month_start', 'retailer_id'])) }}

with months as (
    select
        dates.month_start,
        retailers.retailer_id,
        max(dates.year_number * 12 + dates.month_number) as month_index,
        max(retailers.retailer_name) as retailer_name,
        count(distinct sales.business_date) as days_with_sales,
        count(distinct sales.transaction_id) as transactions,
        cast(sum(sales.quantity) as decimal(18, 3)) as units,
        cast(sum(sales.total_amount) as decimal(18, 2)) as sales_amount
    from {{ source('retail_sales', 'fact_sales') }} as sales
    inner join {{ source('retail_sales', 'dim_date') }} as dates on sales.date_key = dates.date_key
    inner join {{ source('retail_sales', 'dim_retailer') }} as retailers
        on sales.retailer_key = retailers.retailer_key
    group by dates.month_start, retailers.retailer_id
)

select
    months.month_start,
    months.retailer_id,
    months.retailer_name,
    months.days_with_sales,
    months.transactions,
    months.units,
    months.sales_amount,
    {{ ratio('months.sales_amount', 'months.transactions', 2) }} as average_ticket,
    before.sales_amount as previous_sales_amount,
    {{ ratio('months.sales_amount - before.sales_amount', 'before.sales_amount', 6) }} as growth,
    {{ ratio('months.sales_amount', 'months.days_with_sales', 2) }} as sales_per_day,
    {{ fresh_as_of() }} as fresh_as_of
from months
left join months as before
    on months.retailer_id = before.retailer_id and months.month_index = before.month_index + 1
