{{ config(materialized='incremental', incremental_strategy='append') }}

with records as (
    -- Recorded by {{ source('events_lake', 'runs') }}
    {{ lake_rows('events_lake', 'runs', new_run_records(['events'], "'events'")) }}
),

read_attributes as (
    select
        *,
        -- Attributes that can't be read name no file: the run then tells nothing but that it was.
        case when json_valid(attributes) then attributes end as known
    from records
    where system = 'events' and run_id is not null
)

select
    run_id,
    business_date,
    started_at,
    finished_at,
    status,
    received_rows,
    written_rows,
    rejected_rows,
    error,
    coalesce(try_cast(known -> '$.events_keys' as varchar[]), []) as events_keys,
    known ->> '$.products_key' as products_key,
    known ->> '$.users_key' as users_key,
    coalesce(cast(json_array_length(known -> '$.files') as integer), 0) as files,
    try_cast(known ->> '$.duration_seconds' as double) as duration_seconds,
    try_cast(known ->> '$.validity_rate' as double) as validity_rate
from read_attributes
