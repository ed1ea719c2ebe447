{{ config(materialized='incremental', incremental_strategy='replace_touched_days', unique_key='event_date') }}
{{ require_whole_events() }}

with events as not materialized (
    select
        *,
        coalesce(product_id, '(unknown)') as known_product_id
    from {{ ref('stg_events') }}
    where (product_id is not null or event_type = 'purchase') and {{ on_touched_days('event_date') }}
),

bots as (
    select * from {{ ref('int_sessions') }}
    where is_bot
),

human as (
    select
        events.event_date,
        events.known_product_id as product_id,
        count(*) filter (where events.event_type = 'view') as views,
        count(distinct events.user_id) filter (where events.event_type = 'view') as viewers,
        count(*) filter (where events.event_type = 'click') as clicks,
        count(*) filter (where events.event_type = 'cart') as carts,
        count(*) filter (where events.event_type = 'remove_from_cart') as removals
    from events
    anti join bots
        on
            events.user_id = bots.user_id
            and events.session_id is not distinct from bots.session_id
            and events.event_time between bots.started_at and bots.ended_at
    where events.event_type <> 'purchase'
    group by all
),

bought as (
    select
        event_date,
        known_product_id as product_id,
        count(distinct user_id) as buyers,
        {{ purchase_measures() }}
    from events
    where event_type = 'purchase'
    group by all
)

select
    coalesce(human.event_date, bought.event_date) as event_date,
    coalesce(human.product_id, bought.product_id) as product_id,
    coalesce(human.views, 0) as views,
    coalesce(human.viewers, 0) as viewers,
    coalesce(human.clicks, 0) as clicks,
    coalesce(human.carts, 0) as carts,
    coalesce(human.removals, 0) as removals,
    coalesce(bought.buyers, 0) as buyers,
    coalesce(bought.purchases, 0) as purchases,
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.units, 0) as units,
    bought.revenue,
    coalesce(bought.unknown_price_units, 0) as unknown_price_units,
    coalesce(bought.zero_price_units, 0) as zero_price_units
from human
full outer join bought on human.event_date = bought.event_date and human.product_id = bought.product_id
