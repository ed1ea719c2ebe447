{{ config(materialized='incremental', incremental_strategy='replace_touched_days', unique_key='revenue_date') }}
{{ require_whole_events() }}
-- Days change with the sessions of their neighbours, too: see int_events__touched.
-- depends_on: {{ ref('int_events__touched') }}
with purchases as (
    select * from {{ ref('stg_events') }}
    where event_type = 'purchase' and {{ on_touched_days('event_date') }}
)

select
    event_date as revenue_date,
    coalesce(product_id, '(unknown)') as product_id,
    -- As the day's events said; the catalogue may say otherwise by now.
    max(category_code) as category_code,
    max(brand) as brand,
    count(distinct user_id) as buyers,
    {{ purchase_measures() }}
from purchases
group by event_date, coalesce(product_id, '(unknown)')
