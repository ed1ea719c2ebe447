{#- Sessions as they stand, before this build changes them. They come later, so that ref() can't name them. -#}
{%- set sessions = events_relation('int_sessions') if execute else none -%}
{%- set days = pending_event_days() -%}
{%- set was_interrupted = load_relation(this) if execute and not events_batch_is_whole() else none -%}

with fresh as (
    select distinct
        user_id,
        session_id
    from {{ ref('stg_events') }}
    where {{ on_pending_days('event_date') }}
),

new_loads as (
    select distinct run_id from {{ ref('int_events__batch') }}
    where is_new
),

known as (
    {% if sessions -%}
    select
        session_key,
        user_id,
        session_id,
        started_at,
        ended_at,
        session_date,
        last_event_date
    from {{ sessions }}
    {%- else -%}
    select
        '' as session_key,
        '' as user_id,
        '' as session_id,
        cast(null as timestamp with time zone) as started_at,
        cast(null as timestamp with time zone) as ended_at,
        cast(null as date) as session_date,
        cast(null as date) as last_event_date
    where false
    {%- endif %}
),

-- What a build that did not come to its end had opened: its days may be half done.
interrupted as (
    {% if was_interrupted -%}
    select
        session_key,
        session_date,
        last_event_date
    from {{ this }}
    where for_run_id in (select run_id from new_loads)
    {%- else -%}
    select
        session_key,
        session_date,
        last_event_date
    from known
    where false
    {%- endif %}
),

reopened as (
    select * from known
    where
        -- 1. It has events on a day that is read again.
        {% for day in days -%}
        ({{ day }} between session_date and last_event_date) or
        {% endfor -%}
        false
        -- 2. It may run into new events of its user, across midnight.
        or (
            session_id is null
            and (
                {% for day in days -%}
                ({{ day }} between session_date - 1 and last_event_date + 1) or
                {% endfor -%}
                false
            )
            and user_id in (
                select fresh.user_id from fresh
                where fresh.session_id is null
            )
        )
        -- 3. Its id is among the new events.
        or session_key in (
            select {{ session_key('fresh.user_id', 'fresh.session_id') }} from fresh
            where fresh.session_id is not null
        )
        or session_key in (select interrupted.session_key from interrupted)
)

select
    session_key,
    user_id,
    session_id,
    started_at,
    ended_at,
    session_date,
    last_event_date,
    true as is_current,
    (select min(new_loads.run_id) from new_loads) as for_run_id
from reopened
union all
select distinct
    session_key,
    null as user_id,
    null as session_id,
    null as started_at,
    null as ended_at,
    session_date,
    last_event_date,
    false as is_current,
    (select min(new_loads.run_id) from new_loads) as for_run_id
from interrupted
