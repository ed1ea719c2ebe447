{#- SQL that engines say in different words. Models that are built on several engines use these, casts that are written
    out, and neither QUALIFY nor double colons. -#}

{#- A binary float of eight bytes: the same quotient on every engine, to the last bit. -#}
{% macro type_double() -%}
    {{ return(adapter.dispatch('type_double', 'gondola')()) }}
{%- endmacro %}

{% macro default__type_double() -%}
    double precision
{%- endmacro %}

{% macro spark__type_double() -%}
    double
{%- endmacro %}

{% macro bigquery__type_double() -%}
    float64
{%- endmacro %}

{#- A part of a whole; null when there is no whole. -#}
{% macro share_of(part, whole) -%}
    cast({{ part }} as {{ type_double() }}) / nullif(cast({{ whole }} as {{ type_double() }}), 0)
{%- endmacro %}

{#- Whole days from one date to another. -#}
{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch('days_between', 'gondola')(first, last)) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    datediff(day, {{ first }}, {{ last }})
{%- endmacro %}

{% macro duckdb__days_between(first, last) -%}
    cast(date_diff('day', {{ first }}, {{ last }}) as bigint)
{%- endmacro %}

{% macro postgres__days_between(first, last) -%}
    cast({{ last }} - {{ first }} as bigint)
{%- endmacro %}

{% macro spark__days_between(first, last) -%}
    cast(datediff({{ last }}, {{ first }}) as bigint)
{%- endmacro %}

{% macro bigquery__days_between(first, last) -%}
    date_diff({{ last }}, {{ first }}, day)
{%- endmacro %}

{#- Seconds from one moment to another. -#}
{% macro seconds_between(first, last) -%}
    {{ return(adapter.dispatch('seconds_between', 'gondola')(first, last)) }}
{%- endmacro %}

{% macro default__seconds_between(first, last) -%}
    datediff(second, {{ first }}, {{ last }})
{%- endmacro %}

{% macro duckdb__seconds_between(first, last) -%}
    cast(date_diff('second', {{ first }}, {{ last }}) as bigint)
{%- endmacro %}

{% macro postgres__seconds_between(first, last) -%}
    cast(extract(epoch from {{ last }} - {{ first }}) as bigint)
{%- endmacro %}

{% macro spark__seconds_between(first, last) -%}
    unix_timestamp({{ last }}) - unix_timestamp({{ first }})
{%- endmacro %}

{% macro bigquery__seconds_between(first, last) -%}
    timestamp_diff({{ last }}, {{ first }}, second)
{%- endmacro %}

{#- Rows of a system's bronze, of all runs that count. DuckDB reads them from the lake; into other engines
    `tasks/warehouses.py` has loaded them.

    Arguments:
        source_name: the source, whose columns say the types.
        table_name: the table.
        loads: the model that names the files of runs that count. -#}
{% macro bronze_rows(source_name, table_name, loads) -%}
    {{ return(adapter.dispatch('bronze_rows', 'gondola')(source_name, table_name, loads)) }}
{%- endmacro %}

{% macro default__bronze_rows(source_name, table_name, loads) -%}
    select * from {{ source(source_name, table_name) }}
{%- endmacro %}

{% macro duckdb__bronze_rows(source_name, table_name, loads) -%}
    {%- set relation = load_relation(loads) if execute -%}
    {%- set files = column_of(
        "select " ~ text_literal(lake_uri() ~ '/') ~ " || data_key from " ~ relation
        ~ " where table_name = " ~ text_literal(table_name) ~ " order by run_id desc"
    ) if relation else [] -%}
    {{ lake_rows(source_name, table_name, files) }}
{%- endmacro %}

{#- The bronze files of a system's runs that count: run_id, table_name, data_key, loaded_at. -#}
{% macro bronze_loads(source_name, system) -%}
    {{ return(adapter.dispatch('bronze_loads', 'gondola')(source_name, system)) }}
{%- endmacro %}

{% macro default__bronze_loads(source_name, system) -%}
    select
        run_id,
        table_name,
        data_key,
        loaded_at
    from {{ source(source_name, 'loads') }}
{%- endmacro %}

{% macro duckdb__bronze_loads(source_name, system) -%}
    {%- set files = column_of(
        "select file from glob(" ~ text_literal(lake_uri() ~ '/metadata/runs/system=' ~ system ~ '/*/*/*/*.parquet')
        ~ ") order by file"
    ) -%}
    select
        run_id,
        tables.key as table_name,
        tables.value ->> '$' as data_key,
        finished_at as loaded_at
    from ({{ lake_rows(source_name, 'runs', files) }}) as runs
    cross join json_each(runs.attributes, '$.tables') as tables
    where status in ('complete', 'partial') and json_valid(attributes)
{%- endmacro %}
