{{ require_whole_selection() }}
-- The ledger of what was built: it comes after everything that is built from runs, and is not written when a test of
-- theirs fails, so that the next build does their days again.
-- depends_on: {{ ref('tru_product') }}, {{ ref('tru_price') }}, {{ ref('fct_prices_daily') }}
-- depends_on: {{ ref('int_market__batch') }}
with runs as (
    select * from {{ ref('stg_vtex__runs') }}
),

daily_runs as (
    select * from {{ ref('int_market__daily_runs') }}
)

select
    runs.run_id,
    runs.supermarket,
    runs.region,
    runs.business_date as price_date,
    runs.status,
    daily_runs.run_id is not null as is_day_winner,
    runs.started_at,
    runs.finished_at,
    cast(date_diff('second', runs.started_at, runs.finished_at) as bigint) as duration_seconds,
    runs.expected_rows as expected_products,
    runs.received_rows as received_products,
    case
        when runs.expected_rows > 0 then cast(runs.received_rows / runs.expected_rows as decimal(9, 4))
    end as coverage,
    runs.written_rows as written_skus,
    runs.rejected_rows as rejected_skus,
    runs.requests,
    runs.retries,
    runs.throttled,
    runs.bytes_received,
    runs.data_bytes,
    runs.error
from runs
left join daily_runs on runs.run_id = daily_runs.run_id
