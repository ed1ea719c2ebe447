{{ config(alias='dim_customers') }}

with customers as (
    select * from {{ ref('physical_product__stg_customers') }}
),

named as (
    select customer_id from {{ ref('physical_product__stg_orders') }}
    union distinct
    select customer_id from customers
)

select
    named.customer_id,
    customers.customer_id is not null as is_known,
    customers.customer_name,
    coalesce(customers.segment, '(unknown)') as segment,
    customers.city,
    customers.state,
    customers.country,
    customers.signed_up_on
from named
left join customers on named.customer_id = customers.customer_id
