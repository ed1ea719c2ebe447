{{ config(materialized='incremental', incremental_strategy='delete+insert',
    unique_key=['business_date', 'supermarket', 'region']) }}

{#- Days of which the ledger does not hold every run: they are reckoned anew, whole. -#}
{%- set days = column_of(
    "select 'date ''' || business_date || '''' from (select business_date, count(*) as recorded from "
    ~ ref('fct_ops__runs') ~ " where supermarket is not null and region is not null and business_date is not null "
    ~ "group by 1) left join (select business_date, sum(runs) as counted from " ~ this
    ~ " group by 1) using (business_date) where recorded is distinct from counted order by 1"
) if is_incremental() else [] -%}
{%- set changed = 'business_date in (' ~ days | join(', ') ~ ')' if days else 'false' -%}
{%- set in_days = changed if is_incremental() else 'true' -%}

with runs as (
    select * from {{ ref('fct_ops__runs') }}
    where
        supermarket is not null
        and region is not null
        and business_date is not null
        and {{ in_days }}
),

answers as (
    select
        run_id,
        sum(seconds) as request_seconds,
        count(*) filter (where status = 429) as answers_429,
        count(*) filter (where status = 503) as answers_503
    from {{ ref('fct_requests') }}
    where {{ in_days }}
    group by run_id
),

store_days as (
    select
        runs.business_date,
        runs.supermarket,
        runs.region,
        count(*) as runs,
        count(*) filter (where runs.status = 'complete') as complete_runs,
        max(runs.started_at) as last_started_at,
        max(runs.received_rows) as products,
        cast(sum(runs.requests) as bigint) as requests,
        cast(sum(runs.retries) as bigint) as retries,
        cast(sum(runs.throttled) as bigint) as throttled,
        cast(sum(answers.answers_429) as bigint) as answers_429,
        cast(sum(answers.answers_503) as bigint) as answers_503,
        cast(sum(runs.seconds_waited) as decimal(18, 3)) as seconds_waited,
        cast(sum(answers.request_seconds) as decimal(18, 3)) as request_seconds,
        cast(sum(runs.duration_seconds) as decimal(18, 3)) as run_seconds,
        cast(sum(runs.bytes_received) as bigint) as bytes_received,
        cast(sum(runs.data_bytes) as bigint) as bytes_stored
    from runs
    left join answers on runs.run_id = answers.run_id
    group by runs.business_date, runs.supermarket, runs.region
),

priced as (
    select
        *,
        {{ cost_of('bytes_stored', 1e9, 'gb_stored_month') }} as cost_storage_month,
        {{ cost_of('bytes_received', 1e9, 'gb_transferred') }} as cost_transfer,
        {{ cost_of('requests', 1000, 'thousand_requests') }} as cost_requests,
        {{ cost_of('run_seconds', 3600, 'compute_hour') }} as cost_compute
    from store_days
)

select
    *,
    cast(cost_storage_month + cost_transfer + cost_requests + cost_compute as decimal(18, 6)) as cost
from priced
