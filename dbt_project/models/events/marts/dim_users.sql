with seen as (
    select
        user_id,
        min(session_date) as first_session_date,
        max(session_date) as last_session_date,
        cast(sum(sessions) as bigint) as sessions,
        cast(sum(bot_sessions) as bigint) as bot_sessions,
        cast(sum(orders) as bigint) as orders,
        cast(sum(units) as bigint) as units,
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        min(first_purchase_date) as first_purchase_date,
        max(last_purchase_date) as last_purchase_date
    from {{ ref('int_user_journey') }}
    group by user_id
),

profiles as (
    select * from {{ ref('stg_users') }}
)

select
    coalesce(profiles.user_id, seen.user_id) as user_id,
    profiles.user_id is not null as has_profile,
    profiles.signup_date,
    profiles.country,
    profiles.segment,
    seen.first_session_date,
    seen.last_session_date,
    coalesce(seen.sessions, 0) as sessions,
    coalesce(seen.bot_sessions, 0) as bot_sessions,
    coalesce(seen.bot_sessions > seen.sessions, false) as is_bot,
    coalesce(seen.orders, 0) as orders,
    coalesce(seen.units, 0) as units,
    seen.revenue,
    seen.first_purchase_date,
    seen.last_purchase_date
from profiles
full outer join seen on profiles.user_id = seen.user_id
