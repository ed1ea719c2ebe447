{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched_days',
    unique_key='engagement_date',
    meta={'days_ahead': 29}
) }}
{{ require_whole_events() }}
{%- set days = touched_event_days(29) if is_incremental() else [] %}

with journey as (
    select * from {{ ref('int_user_journey') }}
    {%- if is_incremental() %}
    where {{ 'session_date between ' ~ days | first ~ ' - 29 and ' ~ days | last if days else 'false' }}
    {%- endif %}
),

daily as (
    select
        session_date as engagement_date,
        count(*) filter (where sessions > 0) as daily_active_users,
        cast(sum(sessions) as bigint) as sessions,
        cast(sum(bot_sessions) as bigint) as bot_sessions,
        cast(sum(events) as bigint) as events,
        cast(sum(bounces) as bigint) as bounces,
        cast(sum(converted_sessions) as bigint) as converted_sessions,
        cast(sum(duration_seconds) as decimal(18, 3)) as duration_seconds
    from journey
    where {{ on_touched_days('session_date', 29) }}
    group by session_date
),

-- A user counts from a day of activity on until the window has passed, or until the next such day takes over.
active as (
    select
        session_date,
        lead(session_date) over (partition by user_id order by session_date) as next_date
    from journey
    where sessions > 0
),

changes as (
    select
        unnest([session_date, coalesce(least(session_date + 7, next_date), session_date + 7)]) as change_date,
        unnest([1, -1]) as weekly,
        0 as monthly
    from active
    union all
    select
        unnest([session_date, coalesce(least(session_date + 30, next_date), session_date + 30)]) as change_date,
        0 as weekly,
        unnest([1, -1]) as monthly
    from active
    union all
    select
        engagement_date as change_date,
        0 as weekly,
        0 as monthly
    from daily
),

by_date as (
    select
        change_date,
        sum(weekly) as weekly,
        sum(monthly) as monthly
    from changes
    group by change_date
),

counted as (
    select
        change_date,
        cast(sum(weekly) over (order by change_date) as bigint) as weekly_active_users,
        cast(sum(monthly) over (order by change_date) as bigint) as monthly_active_users
    from by_date
)

select
    daily.engagement_date,
    daily.daily_active_users,
    counted.weekly_active_users,
    counted.monthly_active_users,
    daily.sessions,
    daily.bot_sessions,
    daily.events,
    daily.bounces,
    daily.converted_sessions,
    {{ share('daily.bounces', 'daily.sessions') }} as bounce_rate,
    {{ share('daily.converted_sessions', 'daily.sessions') }} as conversion_rate,
    case when daily.sessions > 0 then cast(daily.duration_seconds / daily.sessions as decimal(18, 1)) end
        as average_session_seconds,
    case when daily.sessions > 0 then cast(daily.events / daily.sessions as decimal(18, 2)) end as events_per_session
from daily
inner join counted on daily.engagement_date = counted.change_date
