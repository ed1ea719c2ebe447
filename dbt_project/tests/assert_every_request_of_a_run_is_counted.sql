-- A run says how many requests it sent, were sent again and were refused: so many records of them there are. Runs whose
-- records are gone, as metadata is not kept for ever, say nothing.
with counted as (
    select
        run_id,
        count(*) as requests,
        count(*) filter (where status in (429, 503)) as throttled
    from {{ ref('fct_requests') }}
    where {{ lately('run_started_at', 'fct_requests') }}
    group by run_id
)

select
    runs.run_id,
    runs.requests,
    counted.requests as counted_requests,
    runs.throttled,
    counted.throttled as counted_throttled
from counted
inner join {{ ref('fct_ops__runs') }} as runs on counted.run_id = runs.run_id
where runs.requests <> counted.requests or runs.throttled <> counted.throttled
