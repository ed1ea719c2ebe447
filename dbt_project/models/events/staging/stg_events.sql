{{ config(materialized='incremental', incremental_strategy='replace_pending_days', unique_key='event_date') }}
{{ require_whole_events() }}

-- Read from {{ source('events_lake', 'events') }}: the files that {{ ref('int_events__batch') }} names, no others.
with files as not materialized (
    {{ lake_rows('events_lake', 'events', event_files('events')) }}
),

loads as (
    select distinct
        run_no,
        run_id,
        event_date
    from {{ ref('int_events__batch') }}
    where kind = 'events'
),

-- An event may be loaded many times. Few are: only they are put in order.
repeated as (
    select
        event_date,
        event_id
    from files
    group by all
    having count(*) > 1
),

once as (
    select files.*
    from files
    anti join repeated on files.event_date = repeated.event_date and files.event_id = repeated.event_id
),

first_of_many as (
    select files.*
    from files
    inner join repeated on files.event_date = repeated.event_date and files.event_id = repeated.event_id
    inner join loads on files.run_id = loads.run_id and files.event_date = loads.event_date
    qualify row_number() over (
        partition by files.event_date, files.event_id
        order by loads.run_no, files.source_file, files.source_row
    ) = 1
),

unique_events as (
    select once.*
    from once
    semi join loads on once.run_id = loads.run_id and once.event_date = loads.event_date
    union all
    select * from first_of_many
)

select
    *,
    -- What was bought together: an order, or a visit where the shop sends no order id.
    case
        when event_type = 'purchase' then coalesce(order_id, user_id || '/' || coalesce(session_id, event_id))
    end as order_key
from unique_events
