-- Every mart that tells of money tells of the same purchases, to the cent.
with purchases as (
    select
        event_date as day,
        count(*) as purchases,
        sum(quantity) as units,
        sum({{ line_revenue() }}) as revenue
    from {{ ref('stg_events') }}
    where event_type = 'purchase' and {{ touched_events('event_date') }}
    group by event_date
),

told as (
    {% for model, column, only in [
        ('fct_revenue', 'revenue_date', 'true'),
        ('int_product_performance', 'event_date', 'purchases > 0'),
        ('fct_attribution', 'purchase_date', "touch = 'first'"),
        ('fct_attribution', 'purchase_date', "touch = 'last'"),
    ] -%}
    select
        {{ text_literal(model ~ ' where ' ~ only) }} as mart,
        {{ column }} as day,
        sum(purchases) as purchases,
        sum(units) as units,
        sum(revenue) as revenue
    from {{ ref(model) }}
    where {{ only }} and {{ touched_events(column) }}
    group by {{ column }}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
),

marts as (
    select distinct mart from told
),

-- A day that no mart tells of, or one too many, is found as well.
expected as (
    select
        marts.mart,
        purchases.*
    from purchases
    cross join marts
)

select
    coalesce(expected.mart, told.mart) as mart,
    coalesce(expected.day, told.day) as day,
    expected.revenue as purchased,
    told.revenue as said
from expected
full outer join told on expected.mart = told.mart and expected.day = told.day
where
    expected.purchases is distinct from told.purchases
    or expected.units is distinct from told.units
    or expected.revenue is distinct from told.revenue
