{{ config(materialized='incremental', incremental_strategy='append') }}

with records as (
    -- Recorded by {{ source('market_lake', 'runs') }}
    {{ lake_rows('market_lake', 'runs', new_run_records()) }}
),

read_attributes as (
    select
        *,
        -- A record whose attributes can't be read is still a run: its scope says which store it crawled.
        case when json_valid(attributes) then attributes end as known
    from records
    where system = 'market' and run_id is not null
)

select
    run_id,
    regexp_extract(scope, 'supermarket=([^/]+)', 1) as supermarket,
    regexp_extract(scope, 'region=([^/]+)', 1) as region,
    business_date,
    started_at,
    finished_at,
    status,
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
    seconds_waited,
    error,
    flow_run_id,
    known ->> '$.supermarket_name' as supermarket_name,
    known ->> '$.region_name' as region_name,
    known ->> '$.base_url' as base_url,
    known ->> '$.api' as api,
    known ->> '$.region_method' as region_method,
    known ->> '$.postal_code' as postal_code,
    known ->> '$.region_id' as region_id,
    known ->> '$.sales_channel' as sales_channel,
    coalesce(try_cast(known -> '$.sellers' as varchar[]), []) as sellers,
    coalesce(try_cast(known -> '$.aliases' as varchar[]), []) as aliases
from read_attributes
