{{ config(materialized='incremental', incremental_strategy='append') }}

-- What {{ source('ops_lake', 'requests') }} say, of runs that have ended.
with records as (
    {{ lake_rows('ops_lake', 'requests', new_record_files('requests', 'requests > 0')) }}
),

runs as (
    select * from {{ ref('fct_ops__runs') }}
)

select
    records.run_id,
    runs.system,
    runs.supermarket,
    runs.region,
    runs.business_date,
    runs.started_at as run_started_at,
    records.requested_at,
    records.method,
    records.url,
    records.slice,
    records.attempt,
    records.status,
    records.outcome,
    records.bytes,
    cast(records.seconds as decimal(18, 6)) as seconds,
    cast(records.waited_seconds as decimal(18, 6)) as waited_seconds,
    records.error
from records
inner join runs on records.run_id = runs.run_id
