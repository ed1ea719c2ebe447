-- The funnel, the engagement and the sessions themselves speak of the same sessions.
with sessions as (
    select
        session_date as day,
        count(*) filter (where not is_bot) as sessions
    from {{ ref('int_sessions') }}
    where {{ touched_events('session_date') }}
    group by session_date
),

funnel as (
    select
        funnel_date as day,
        sum(sessions_stopped) as stopped,
        max(sessions_reached) as started
    from {{ ref('fct_funnel') }}
    where {{ touched_events('funnel_date') }}
    group by funnel_date
),

engagement as (
    select
        engagement_date as day,
        sessions as engaged
    from {{ ref('fct_daily_engagement') }}
    where {{ touched_events('engagement_date') }}
)

select
    coalesce(sessions.day, engagement.day, funnel.day) as day,
    sessions.sessions,
    funnel.stopped,
    funnel.started,
    engagement.engaged
from sessions
full outer join funnel on sessions.day = funnel.day
full outer join engagement on sessions.day = engagement.day
-- A day of bots only has no funnel.
where
    coalesce(sessions.sessions, 0) <> coalesce(funnel.stopped, 0)
    or coalesce(sessions.sessions, 0) <> coalesce(funnel.started, 0)
    or coalesce(sessions.sessions, 0) <> coalesce(engagement.engaged, 0)
