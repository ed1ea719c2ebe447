with candidates as (
    select
        *,
        status = 'complete' as is_complete
    from {{ ref('stg_vtex__runs') }}
    where
        status in ('complete', 'partial')
        and business_date is not null
        -- What nothing was built from and can't be read any more speaks for no day.
        and run_id not in (
            select lost.run_id from {{ ref('int_market__lost_runs') }} as lost
            where not lost.is_built
        )
),

ranked as (
    select
        *,
        -- The latest complete run; while there is none, the partial run that received the most.
        row_number() over (
            partition by supermarket, region, business_date
            order by
                is_complete desc,
                case when not is_complete then received_rows end desc nulls last,
                started_at desc,
                run_id desc
        ) as place
    from candidates
)

select
    supermarket,
    region,
    business_date as price_date,
    run_id,
    status as run_status,
    is_complete,
    -- When a product last seen today is known to be gone, unless it is seen again by then.
    min(case when is_complete then business_date end) over (
        partition by supermarket, region
        order by business_date
        rows between 1 following and unbounded following
    ) as next_complete_date
from ranked
where place = 1
