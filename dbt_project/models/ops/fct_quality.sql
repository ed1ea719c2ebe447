{{ config(materialized='incremental', incremental_strategy='append') }}

-- What {{ source('ops_lake', 'quality') }} say, of runs that have ended.
with records as (
    {{ lake_rows('ops_lake', 'quality', new_record_files('quality', "system in ('transform', 'quality')")) }}
),

runs as (
    select * from {{ ref('fct_ops__runs') }}
)

select
    records.run_id,
    runs.system,
    runs.business_date,
    runs.started_at as run_started_at,
    records.check_name,
    records.subject,
    nullif(regexp_extract(records.subject, 'supermarket=([^/]+)', 1), '') as supermarket,
    nullif(regexp_extract(records.subject, 'region=([^/]+)', 1), '') as region,
    records.severity,
    records.passed,
    records.expected,
    records.actual
from records
inner join runs on records.run_id = runs.run_id
