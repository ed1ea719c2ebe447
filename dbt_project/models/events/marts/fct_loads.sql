{{ require_whole_events_selection() }}
-- The ledger of what was built: it comes after everything that is built from loads, and is not written when a test of
-- theirs fails, so that the next build does their days again.
{% for name in ['int_events__batch', 'int_events__reopened', 'int_events__touched'] + events_incrementals()
    if name != 'fct_loads' -%}
-- depends_on: {{ ref(name) }}
{% endfor -%}
select
    run_id,
    business_date,
    started_at,
    finished_at,
    status,
    files,
    len(events_keys) as event_days,
    received_rows,
    written_rows,
    rejected_rows,
    validity_rate,
    cast(coalesce(duration_seconds, epoch(finished_at) - epoch(started_at)) as decimal(18, 3)) as duration_seconds,
    error
from {{ ref('stg_loads') }}
