{{ config(materialized='incremental', incremental_strategy='replace_sessions') }}
{{ require_whole_events() }}
{%- set reopened = ref('int_events__reopened') -%}
{%- set other_days = days_of_reopened_sessions() if is_incremental() else [] %}

with events as not materialized (
    select * from {{ ref('stg_events') }}
    {%- if is_incremental() %}
    where {{ on_pending_days('event_date') }}
    {%- if other_days %}
    union all
    -- What reopened sessions have on other days.
    select events.*
    from {{ ref('stg_events') }} as events
    semi join {{ reopened }} as given
        on events.user_id = given.user_id and events.session_id = given.session_id and given.is_current
    where events.event_date in ({{ other_days | join(', ') }})
    union all
    select events.*
    from {{ ref('stg_events') }} as events
    semi join {{ reopened }} as found
        on
            events.user_id = found.user_id
            and events.event_time between found.started_at and found.ended_at
            and found.session_id is null
            and found.is_current
    where events.event_date in ({{ other_days | join(', ') }}) and events.session_id is null
    {%- endif %}
    {%- endif %}
),

opened as (
    select
        *,
        coalesce(
            event_time - lag(event_time) over user_events > interval {{ var('session_gap_minutes') | int }} minute, true
        ) as opens_session
    from events
    where session_id is null
    window user_events as (partition by user_id order by event_time, event_id)
),

in_sessions as not materialized (
    select
        *,
        0 as session_no
    from events
    where session_id is not null
    union all
    select
        * exclude (opens_session),
        sum(cast(opens_session as integer)) over (
            partition by user_id order by event_time, event_id rows unbounded preceding
        ) as session_no
    from opened
),

sessions as (
    select
        user_id,
        session_id,
        session_no,
        min(event_time) as started_at,
        max(event_time) as ended_at,
        min(event_date) as session_date,
        max(event_date) as last_event_date,
        count(*) as events,
        count(*) filter (where event_type = 'view') as views,
        count(*) filter (where event_type = 'click') as clicks,
        count(*) filter (where event_type = 'search') as searches,
        count(*) filter (where event_type = 'cart') as carts,
        count(*) filter (where event_type = 'remove_from_cart') as removals,
        count(*) filter (where event_type = 'checkout') as checkouts,
        min(event_time) filter (where event_type = 'view') as viewed_at,
        coalesce(bool_or(is_bot), false) as is_flagged_bot,
        max(device) as device,
        max(country) as country
    from in_sessions
    group by user_id, session_id, session_no
),

landings as (
    select
        user_id,
        session_id,
        session_no,
        event_time as touched_at,
        utm_source,
        utm_medium,
        utm_campaign
    from in_sessions
    where utm_source is not null
    qualify row_number() over (partition by user_id, session_id, session_no order by event_time, event_id) = 1
),

-- The steps of the funnel after the first view, each no earlier than the one before.
steps as (
    select
        in_sessions.*,
        min(
            case
                when in_sessions.event_type = 'cart' and in_sessions.event_time >= sessions.viewed_at
                    then in_sessions.event_time
            end
        ) over (partition by in_sessions.user_id, in_sessions.session_id, in_sessions.session_no) as carted_at
    from in_sessions
    inner join sessions
        on
            in_sessions.user_id = sessions.user_id
            and in_sessions.session_id is not distinct from sessions.session_id
            and in_sessions.session_no = sessions.session_no
    where in_sessions.event_type in ('cart', 'checkout', 'purchase')
),

buying as (
    select
        user_id,
        session_id,
        session_no,
        any_value(carted_at) as carted_at,
        min(event_time) filter (where event_type = 'checkout' and event_time >= carted_at) as checked_out_at,
        min(event_time) filter (where event_type = 'purchase' and event_time >= carted_at) as purchased_at,
        min(event_date) filter (where event_type = 'purchase') as first_purchase_date,
        max(event_date) filter (where event_type = 'purchase') as last_purchase_date,
        {{ purchase_measures() }}
    from steps
    group by user_id, session_id, session_no
),

described as (
    select
        sessions.*,
        {{ session_key('sessions.user_id', 'sessions.session_id', 'sessions.started_at') }} as session_key,
        landings.touched_at,
        landings.utm_source,
        landings.utm_medium,
        landings.utm_campaign,
        buying.first_purchase_date,
        buying.last_purchase_date,
        coalesce(buying.purchases, 0) as purchases,
        coalesce(buying.orders, 0) as orders,
        coalesce(buying.units, 0) as units,
        buying.revenue,
        coalesce(buying.unknown_price_units, 0) as unknown_price_units,
        coalesce(buying.zero_price_units, 0) as zero_price_units,
        case
            when buying.purchased_at is not null then 'purchase'
            when buying.checked_out_at is not null then 'checkout'
            when buying.carted_at is not null then 'cart'
            when sessions.viewed_at is not null then 'view'
            else 'session'
        end as funnel_step,
        epoch(sessions.ended_at) - epoch(sessions.started_at) as seconds
    from sessions
    left join landings
        on
            sessions.user_id = landings.user_id
            and sessions.session_id is not distinct from landings.session_id
            and sessions.session_no = landings.session_no
    left join buying
        on
            sessions.user_id = buying.user_id
            and sessions.session_id is not distinct from buying.session_id
            and sessions.session_no = buying.session_no
)

select
    session_key,
    user_id,
    session_id,
    session_date,
    last_event_date,
    started_at,
    ended_at,
    cast(seconds as decimal(18, 3)) as duration_seconds,
    events,
    views,
    clicks,
    searches,
    carts,
    removals,
    checkouts,
    purchases,
    orders,
    units,
    revenue,
    unknown_price_units,
    zero_price_units,
    first_purchase_date,
    last_purchase_date,
    funnel_step,
    events = 1 as is_bounce,
    case
        when is_flagged_bot then 'flag'
        when
            events >= {{ var('bot_min_events') | int }}
            and events > {{ var('bot_events_per_minute') | int }} * greatest(seconds / 60, 1)
            then 'rate'
    end as bot_reason,
    bot_reason is not null as is_bot,
    touched_at,
    utm_source,
    utm_medium,
    utm_campaign,
    device,
    country
from described
