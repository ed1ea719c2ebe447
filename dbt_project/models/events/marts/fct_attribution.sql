{%- set lookback = var('attribution_days') | int -%}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched_days',
    unique_key='purchase_date',
    meta={'days_ahead': var('attribution_days') | int + 1}
) }}
{{ require_whole_events() }}
{%- set days = touched_event_days(lookback + 1) if is_incremental() else [] %}

with purchases as (
    select * from {{ ref('stg_events') }}
    where event_type = 'purchase' and {{ on_touched_days('event_date', lookback + 1) }}
),

touches as (
    select
        user_id,
        touched_at,
        min(
            struct_pack(s := utm_source, m := coalesce(utm_medium, 'none'), c := coalesce(utm_campaign, 'none'))
        ) as touch
    from {{ ref('int_sessions') }}
    where
        utm_source is not null
        {%- if is_incremental() %}
        and {{
            'last_event_date >= ' ~ days | first ~ ' - ' ~ (lookback + 1) ~ ' and session_date <= ' ~ days | last
            if days else 'false'
        }}
        {%- endif %}
    group by user_id, touched_at
),

last_touches as (
    select
        purchases.*,
        'last' as touch,
        case
            when touches.touched_at >= purchases.event_time - interval {{ lookback }} day then touches.touch
        end as credit
    from purchases
    asof left join touches on purchases.user_id = touches.user_id and purchases.event_time >= touches.touched_at
),

first_touches as (
    select
        purchases.*,
        'first' as touch,
        case when touches.touched_at <= purchases.event_time then touches.touch end as credit
    from purchases
    asof left join touches
        on
            purchases.user_id = touches.user_id
            and purchases.event_time - interval {{ lookback }} day <= touches.touched_at
),

credited as (
    select * from last_touches
    union all
    select * from first_touches
)

select
    event_date as purchase_date,
    touch,
    coalesce(struct_extract(credit, 's'), 'direct') as utm_source,
    coalesce(struct_extract(credit, 'm'), 'none') as utm_medium,
    coalesce(struct_extract(credit, 'c'), 'none') as utm_campaign,
    {{ purchase_measures() }}
from credited
group by all
