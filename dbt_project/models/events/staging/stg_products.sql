{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='product_id') }}
{{ require_whole_events() }}

-- Read from {{ source('events_lake', 'products') }}: whole snapshots. The newest complete load speaks for each product.
with snapshots as (
    {{ lake_rows('events_lake', 'products', event_files('products')) }}
),

loads as (
    select distinct
        run_id,
        run_status = 'complete' as is_complete,
        started_at as loaded_at
    from {{ ref('int_events__batch') }}
    where kind = 'products'
),

candidates as (
    select
        snapshots.*,
        loads.is_complete,
        loads.loaded_at
    from snapshots
    inner join loads on snapshots.run_id = loads.run_id
    where snapshots.product_id is not null
    {% if is_incremental() -%}
    union all by name
    select known.*
    from {{ this }} as known
    semi join snapshots on known.product_id = snapshots.product_id
    {%- endif %}
)

select *
from candidates
qualify row_number() over (
    partition by product_id
    order by is_complete desc, loaded_at desc, run_id desc, hash(candidates) asc
) = 1
