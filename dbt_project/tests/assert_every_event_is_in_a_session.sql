-- Sessions hold every event once.
with events as (
    select count(*) as staged_events from {{ ref('stg_events') }}
),

sessions as (
    select coalesce(sum(events), 0) as session_events from {{ ref('int_sessions') }}
)

select
    events.staged_events,
    sessions.session_events
from events
cross join sessions
where events.staged_events <> sessions.session_events
