{{ config(materialized='incremental', incremental_strategy='replace_touched_days', unique_key='session_date') }}
{{ require_whole_events() }}

with sessions as (
    select
        *,
        case
            when utm_source is not null
                then struct_pack(s := utm_source, m := utm_medium, c := utm_campaign)
        end as touch
    from {{ ref('int_sessions') }}
    where {{ on_touched_days('session_date') }}
),

days as (
    select
        user_id,
        session_date,
        count(*) filter (where not is_bot) as sessions,
        count(*) filter (where is_bot) as bot_sessions,
        count(*) filter (where is_bounce and not is_bot) as bounces,
        count(*) filter (where purchases > 0 and not is_bot) as converted_sessions,
        cast(coalesce(sum(duration_seconds) filter (where not is_bot), 0) as decimal(18, 3)) as duration_seconds,
        cast(coalesce(sum(events) filter (where not is_bot), 0) as bigint) as events,
        cast(sum(purchases) as bigint) as purchases,
        cast(sum(orders) as bigint) as orders,
        cast(sum(units) as bigint) as units,
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        cast(sum(unknown_price_units) as bigint) as unknown_price_units,
        min(first_purchase_date) as first_purchase_date,
        max(last_purchase_date) as last_purchase_date,
        min(started_at) as first_session_at,
        max(started_at) as last_session_at,
        max({{ funnel_rank('funnel_step') }}) as furthest_rank,
        min_by(touch, (touched_at, session_key)) filter (where touch is not null) as first_touch
    from sessions
    group by user_id, session_date
)

select
    * exclude (furthest_rank, first_touch),
    {{ text_list(funnel_steps()) }}[furthest_rank] as furthest_step,
    struct_extract(first_touch, 's') as utm_source,
    struct_extract(first_touch, 'm') as utm_medium,
    struct_extract(first_touch, 'c') as utm_campaign
from days
