{{ config(materialized='incremental', incremental_strategy='replay') }}
{{ require_whole_batch() }}

{%- set state = [
    'is_available', 'price', 'list_price', 'price_without_discount', 'promotion_kind', 'promotion_minimum_quantity'
] %}

-- Days are replayed in order, from the first day of a store that this build has to change. What held the day before is
-- the first observation of each SKU; then come the rows of the winning runs.
with days as (
    select
        store_no,
        supermarket,
        region,
        price_date,
        run_id,
        run_status,
        replay_from
    from {{ ref('int_market__batch') }}
    where is_replayed
),

stores as (
    select
        store_no,
        supermarket,
        region,
        replay_from,
        -- The day that says which of the products that held before are gone.
        min(case when run_status = 'complete' then price_date end) as next_complete_date
    from days
    group by all
),

{% if is_incremental() -%}
held as (
    select
        stores.store_no,
        stores.replay_from,
        case when history.status <> 'gone' then stores.next_complete_date end as next_complete_date,
        history.*
    from {{ this }} as history
    inner join stores on history.supermarket = stores.supermarket and history.region = stores.region
    where
        history.valid_from < stores.replay_from
        and (history.valid_to is null or history.valid_to >= stores.replay_from)
),

{% endif -%}
observed as (
    select
        store_no,
        sku_id,
        price_date,
        next_complete_date,
        false as is_held,
        {% for column in state -%}
        {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_market__offers') }}
    where is_replayed and sku_id is not null
    {% set facts = facts_of_lost_runs() -%}
    {% if facts -%}
    union all by name
    select
        days.store_no,
        facts.sku_id,
        facts.price_date,
        days.next_complete_date,
        false as is_held,
        {% for column in state -%}
        facts.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ facts }} as facts
    inner join {{ ref('int_market__batch') }} as days on facts.run_id = days.run_id
    where days.is_lost and days.is_replayed
    {%- endif %}
    {% if is_incremental() -%}
    union all by name
    select
        store_no,
        sku_id,
        replay_from - 1 as price_date,
        next_complete_date,
        true as is_held,
        {% for column in state[1:] -%}
        {{ column }},
        {% endfor -%}
        -- Gone is like no other state: what comes after it is always a change.
        case when status <> 'gone' then is_available end as is_available
    from held
    {%- endif %}
),

compared as (
    select
        *,
        lag(next_complete_date) over by_day as missing_from,
        lead(price_date) over by_day is null as is_last,
        {% for column in state -%}
        (lag({{ column }}) over by_day is distinct from {{ column }}){{ ' or' if not loop.last }}
        {% endfor -%}
        as is_other
    from observed
    window by_day as (partition by store_no, sku_id order by price_date)
),

-- From here on few rows are left: those after which something is different, and the last of each SKU.
turns as (
    select
        *,
        coalesce(is_other or missing_from < price_date, false) and not is_held as is_start,
        -- Missing from a complete day since it was last seen: gone from that day on.
        case when missing_from < price_date then missing_from end as gone_before,
        case when is_last then next_complete_date end as gone_after
    from compared
    where is_other or missing_from < price_date or (is_last and next_complete_date is not null)
),

starts as (
    select
        store_no,
        sku_id,
        price_date as valid_from,
        case when is_available then 'listed' else 'unavailable' end as status,
        {% for column in state -%}
        {{ column }},
        {% endfor -%}
        price as known_price
    from turns
    where is_start
    union all by name
    select
        store_no,
        sku_id,
        unnest(list_filter([gone_before, gone_after], lambda day: day is not null)) as valid_from,
        'gone' as status,
        false as is_available
    from turns
    where gone_before is not null or gone_after is not null
    {% if is_incremental() -%}
    union all by name
    select
        store_no,
        sku_id,
        valid_from,
        status,
        {% for column in state -%}
        {{ column }},
        {% endfor -%}
        coalesce(price, previous_price) as known_price,
        previous_price as held_previous_price,
        valid_to as held_valid_to,
        run_id as held_run_id
    from held
    {%- endif %}
),

chained as (
    select
        *,
        lead(valid_from) over by_day as valid_to,
        last_value(known_price ignore nulls) over (
            partition by store_no, sku_id
            order by valid_from
            rows between unbounded preceding and 1 preceding
        ) as previous_price
    from starts
    window by_day as (partition by store_no, sku_id order by valid_from)
)

select
    stores.supermarket,
    stores.region,
    chained.sku_id,
    chained.valid_from,
    chained.valid_to,
    chained.status,
    {% for column in state -%}
    chained.{{ column }},
    {% endfor -%}
    {% if is_incremental() -%}
    case when chained.held_run_id is null then chained.previous_price else chained.held_previous_price end
        as previous_price,
    coalesce(chained.held_run_id, days.run_id) as run_id
    {%- else -%}
    chained.previous_price,
    days.run_id
    {%- endif %}
from chained
inner join stores on chained.store_no = stores.store_no
left join days on chained.store_no = days.store_no and chained.valid_from = days.price_date
{% if is_incremental() -%}
-- A row that held before and ends as it ended is left alone.
where chained.held_run_id is null or chained.held_valid_to is distinct from chained.valid_to
{%- endif %}
