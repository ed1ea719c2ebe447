-- Every crawl is in the ledger of politeness and cost, once.
with ledger as (
    select
        sum(runs) as runs,
        sum(requests) as requests,
        sum(bytes_received) as bytes_received,
        sum(bytes_stored) as bytes_stored
    from {{ ref('fct_store_days') }}
),

crawls as (
    select
        count(*) as runs,
        sum(requests) as requests,
        sum(bytes_received) as bytes_received,
        sum(data_bytes) as bytes_stored
    from {{ ref('fct_ops__runs') }}
    where supermarket is not null and region is not null and business_date is not null
)

select
    ledger.runs as ledger_runs,
    crawls.runs as crawl_runs,
    ledger.requests as ledger_requests,
    crawls.requests as crawl_requests
from ledger
cross join crawls
where
    (coalesce(ledger.runs, 0), ledger.requests, ledger.bytes_received, ledger.bytes_stored)
    is distinct from (crawls.runs, crawls.requests, crawls.bytes_received, crawls.bytes_stored)
