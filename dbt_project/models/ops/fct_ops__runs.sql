{{ config(alias='fct_runs', materialized='incremental', incremental_strategy='append') }}

-- What {{ source('ops_lake', 'runs') }} say: new records are appended, as a record never changes.
with records as (
    {{ lake_rows('ops_lake', 'runs', new_run_records(var('run_systems'), 'system')) }}
)

select
    run_id,
    system,
    scope,
    nullif(regexp_extract(scope, 'supermarket=([^/]+)', 1), '') as supermarket,
    nullif(regexp_extract(scope, 'region=([^/]+)', 1), '') as region,
    business_date,
    started_at,
    finished_at,
    cast(date_diff('millisecond', started_at, finished_at) / 1000 as decimal(18, 3)) as duration_seconds,
    status,
    case when json_valid(attributes) then attributes ->> '$.stage' end as stage,
    expected_rows,
    received_rows,
    written_rows,
    rejected_rows,
    data_key,
    data_bytes,
    requests,
    retries,
    throttled,
    bytes_received,
    cast(seconds_waited as decimal(18, 3)) as seconds_waited,
    error,
    flow_run_id,
    attributes
from records
where run_id is not null and system is not null
