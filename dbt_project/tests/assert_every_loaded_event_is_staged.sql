-- Every event of the files that were read is staged, and nothing else.
with loaded as (
    select
        event_date,
        count(distinct event_id) as loaded_events
    from ({{ lake_rows('events_lake', 'events', event_files('events')) }})
    group by event_date
),

staged as (
    select
        event_date,
        count(*) as staged_events
    from {{ ref('stg_events') }}
    where {{ on_pending_days('event_date') }}
    group by event_date
)

select
    coalesce(loaded.event_date, staged.event_date) as event_date,
    loaded.loaded_events,
    staged.staged_events
from loaded
full outer join staged on loaded.event_date = staged.event_date
where loaded.loaded_events is distinct from staged.staged_events
