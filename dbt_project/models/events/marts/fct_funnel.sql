{{ config(materialized='incremental', incremental_strategy='replace_touched_days', unique_key='funnel_date') }}
{{ require_whole_events() }}

with sessions as (
    select
        session_date,
        user_id,
        {{ funnel_rank('funnel_step') }} as reached,
        true as any_session,
        views > 0 as any_view,
        carts > 0 as any_cart,
        checkouts > 0 as any_checkout,
        purchases > 0 as any_purchase
    from {{ ref('int_sessions') }}
    where not is_bot and {{ on_touched_days('session_date') }}
),

steps as (
    {% for step in funnel_steps() -%}
    select
        session_date as funnel_date,
        {{ loop.index }} as step_number,
        '{{ step }}' as step,
        count(*) filter (where reached >= {{ loop.index }}) as sessions_reached,
        count(*) filter (where reached = {{ loop.index }}) as sessions_stopped,
        count(*) filter (where any_{{ step }}) as sessions_any_order,
        count(distinct user_id) filter (where reached >= {{ loop.index }}) as users_reached
    from sessions
    group by session_date
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
)

select
    funnel_date,
    step_number,
    step,
    sessions_reached,
    sessions_stopped,
    sessions_any_order,
    users_reached,
    {{ share('sessions_reached', 'lag(sessions_reached) over days') }} as share_of_step_before,
    {{ share('sessions_reached', 'first(sessions_reached) over days') }} as share_of_sessions
from steps
window days as (partition by funnel_date order by step_number)
