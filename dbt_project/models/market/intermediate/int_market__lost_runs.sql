{%- set files = lost_files() -%}
{{ refuse_to_lose(files) }}
with runs as (
    select * from {{ ref('stg_vtex__runs') }}
),

built as (
    {% if batch_is_whole() -%}
    select '' as run_id
    where false
    {%- else -%}
    select run_id from {{ ledger() }}
    where is_day_winner
    {%- endif %}
)

select
    runs.run_id,
    runs.supermarket,
    runs.region,
    runs.business_date as price_date,
    runs.written_rows,
    runs.data_key,
    built.run_id is not null as is_built
from runs
left join built on runs.run_id = built.run_id
where
    runs.status in ('complete', 'partial')
    and runs.data_key in (select unnest({{ text_list(files) }}))
