{%- set days = pending_event_days() -%}
with spans as (
    select
        unnest([{{ days | join(', ') }}]::date[]) as first_day,
        first_day as last_day
    union all
    -- What sessions were before
    select
        session_date as first_day,
        last_event_date as last_day
    from {{ ref('int_events__reopened') }}
    union all
    -- and what they are now.
    select
        session_date as first_day,
        last_event_date as last_day
    from {{ ref('int_sessions') }}
    where
        session_date < last_event_date
        and (
            {% for day in days -%}
            ({{ day }} between session_date and last_event_date) or
            {% endfor -%}
            false
        )
)

select distinct cast(unnest(generate_series(first_day, last_day, interval 1 day)) as date) as touched_day
from spans
