{#- A quotient of exact numbers, rounded half away from zero, the same on every engine; null where there is nothing to
    divide by. DuckDB divides decimals as floating point, so there whole numbers are divided.

    Arguments:
        numerator, denominator: numbers with up to four decimals.
        scale: decimals of the result. -#}
{% macro ratio(numerator, denominator, scale) -%}
    {{ return(adapter.dispatch('ratio')(numerator, denominator, scale)) }}
{%- endmacro %}

{% macro default__ratio(numerator, denominator, scale) -%}
    cast(
        round(cast({{ numerator }} as decimal(28, 4)) / nullif(cast({{ denominator }} as decimal(28, 4)), 0), {{ scale }})
        as decimal(18, {{ scale }})
    )
{%- endmacro %}

{% macro duckdb__ratio(numerator, denominator, scale) -%}
    {%- set above = "cast(cast(" ~ numerator ~ " as decimal(28, 4)) * 10000 as hugeint)" -%}
    {%- set below = "nullif(cast(cast(" ~ denominator ~ " as decimal(28, 4)) * 10000 as hugeint), 0)" -%}
    cast(
        cast(
            sign({{ above }}) * sign({{ below }})
            * ((2 * abs({{ above }}) * {{ 10 ** scale }} + abs({{ below }})) // (2 * abs({{ below }})))
            as decimal(22, 0)
        ) * cast(0.{{ '0' * (scale - 1) }}1 as decimal({{ scale + 1 }}, {{ scale }}))
        as decimal(18, {{ scale }})
    )
{%- endmacro %}

{#- How a view for readers is kept: on PostgreSQL a materialized view with a unique index, which is refreshed beside its
    readers; elsewhere a table. dbt knows no contracts of materialized views.

    Arguments:
        keys: columns that tell its rows apart. -#}
{% macro refreshed(keys) -%}
    {%- if target.type == 'postgres' -%}
        {{ return({
            'materialized': 'materialized_view',
            'indexes': [{'columns': keys, 'unique': true}],
            'contract': {'enforced': false},
        }) }}
    {%- endif -%}
    {{ return({'materialized': 'table', 'contract': {'enforced': true}}) }}
{%- endmacro %}

{#- When the newest day was loaded: how fresh a view is. -#}
{% macro fresh_as_of() -%}
    (select max(newest_load.loaded_at) from {{ source('retail_sales', 'day_loads') }} as newest_load)
{%- endmacro %}

{#- Rows of a relation that another system makes, typed; none while it has not been made.

    Arguments:
        relation: from `ref` or `source`.
        columns: its columns that are wanted, and their types. -#}
{% macro rows_if_made(relation, columns) -%}
    {%- set made = load_relation(relation) if execute else none -%}
    select
    {%- for name, type in columns.items() %}
        cast({{ name if made else 'null' }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
    {%- if made %}
    from {{ relation }}
    {%- else %}
    where false
    {%- endif %}
{%- endmacro %}
