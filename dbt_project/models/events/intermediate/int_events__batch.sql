with loads as (
    select * from {{ ref('stg_loads') }}
    where status in ('complete', 'partial')
),

files as (
    select
        run_id,
        'events' as kind,
        unnest(events_keys) as data_key
    from loads
    union all
    select
        run_id,
        'products' as kind,
        products_key as data_key
    from loads
    where products_key is not null
    union all
    select
        run_id,
        'users' as kind,
        users_key as data_key
    from loads
    where users_key is not null
),

dated as (
    select
        *,
        case
            when kind = 'events'
                then cast(array_to_string(regexp_extract_all(data_key, '(?:year|month|day)=(\d+)', 1), '-') as date)
        end as event_date
    from files
),

built as (
    {% if events_batch_is_whole() -%}
    select '' as run_id
    where false
    {%- else -%}
    select run_id from {{ events_ledger() }}
    {%- endif %}
),

described as (
    select
        dated.*,
        loads.started_at,
        loads.status as run_status,
        built.run_id is null as is_new
    from dated
    inner join loads on dated.run_id = loads.run_id
    left join built on dated.run_id = built.run_id
),

-- A day that one load changes is read again from all loads that know of it.
pending as (
    select distinct event_date from described
    where kind = 'events' and is_new
)

select
    described.run_id,
    cast(dense_rank() over (order by described.started_at, described.run_id) as integer) as run_no,
    described.run_status,
    described.started_at,
    described.kind,
    described.event_date,
    described.data_key,
    described.is_new
from described
left join pending on described.event_date = pending.event_date
where described.is_new or pending.event_date is not null
