-- Said, and no more than said: nothing in the warehouse is wrong, but what the lake lost is not there to build again.
{{ config(severity='warn') }}
select
    run_id,
    data_key
from {{ ref('int_market__lost_runs') }}
