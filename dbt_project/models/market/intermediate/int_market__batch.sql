with runs as (
    select * from {{ ref('stg_vtex__runs') }}
    where status in ('complete', 'partial') and business_date is not null
),

daily_runs as (
    select * from {{ ref('int_market__daily_runs') }}
),

lost as (
    select * from {{ ref('int_market__lost_runs') }}
),

built as (
    {% if batch_is_whole() -%}
    select
        '' as run_id,
        false as is_day_winner
    where false
    {%- else -%}
    {{ built_runs('run_id, is_day_winner') }}
    {%- endif %}
),

pending as (
    select daily_runs.*
    from daily_runs
    left join built on daily_runs.run_id = built.run_id and built.is_day_winner
    left join lost on daily_runs.run_id = lost.run_id
    where built.run_id is null and lost.run_id is null
),

-- Price history depends on the order of days: a day that changes makes its store be read again from that day on.
replays as (
    select
        supermarket,
        region,
        min(price_date) as replay_from
    from pending
    group by supermarket, region
),

described as (
    select
        runs.run_id,
        runs.supermarket,
        runs.region,
        runs.business_date as price_date,
        runs.started_at,
        runs.status as run_status,
        runs.written_rows,
        case when lost.run_id is null then runs.data_key end as data_key,
        daily_runs.next_complete_date,
        replays.replay_from,
        lost.run_id is not null as is_lost,
        lost.run_id is null and (
            built.run_id is null
            or pending.run_id is not null
            {% if rebuild_days() -%}
            -- What is known of a product is the latest of all runs: those after the rebuilt days are asked as well.
            or runs.business_date >= replays.replay_from
            {%- endif %}
        ) as is_new,
        pending.run_id is not null as is_pending,
        daily_runs.run_id is not null and daily_runs.price_date >= replays.replay_from as is_replayed
    from runs
    left join daily_runs on runs.run_id = daily_runs.run_id
    left join pending on runs.run_id = pending.run_id
    left join built on runs.run_id = built.run_id
    left join lost on runs.run_id = lost.run_id
    left join replays on runs.supermarket = replays.supermarket and runs.region = replays.region
)

select
    cast(row_number() over (order by price_date, started_at, run_id) as integer) as run_no,
    cast(dense_rank() over (order by supermarket) as integer) as chain_no,
    cast(dense_rank() over (order by supermarket, region) as integer) as store_no,
    run_id,
    supermarket,
    region,
    price_date,
    started_at,
    run_status,
    written_rows,
    data_key,
    next_complete_date,
    replay_from,
    is_lost,
    is_new,
    is_pending,
    coalesce(is_replayed, false) as is_replayed
from described
where is_new or is_pending or is_replayed
