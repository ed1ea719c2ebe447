{#- The lake's URI as DuckDB reads it, without a slash at its end. -#}
{% macro lake_uri() -%}
    {%- set uri = env_var('GONDOLA_LAKE', '../data').rstrip('/') -%}
    {%- for scheme in ['abfss://', 'abfs://', 'azure://'] if uri.startswith(scheme) -%}
        {%- set uri = 'az://' ~ uri[scheme | length:] -%}
    {%- endfor -%}
    {{ return(uri) }}
{%- endmacro %}

{% macro text_literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}

{#- A DuckDB list of texts. -#}
{% macro text_list(texts) -%}
    [{% for text in texts %}{{ text_literal(text) }}{{ ',' if not loop.last }}{% endfor %}]
{%- endmacro %}

{#- The first column of a query's answer, as a list; empty while dbt only parses. -#}
{% macro column_of(sql) -%}
    {{ return(run_query(sql).columns[0].values() | list if execute else []) }}
{%- endmacro %}

{#- Files of the lake, typed as their source's columns say.

    The list of files is a literal: DuckDB opens the footer of every file it is told of, so a glob would cost more with
    each day of history. DuckDB refuses to read no file at all, so none gives an empty relation of the same columns.
    Files may drift: a column that none of them has is null, one that is of another type somewhere is cast, and is null
    where it cannot be. Only files that do differ are united by name: it opens all of them each time that a query
    merely mentions them (2 ms a file). -#}
{% macro lake_rows(source_name, table_name, files) -%}
    {%- set parts = namespace(columns=[], found={}, from='') -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name == source_name and node.name == table_name -%}
            {%- set parts.columns = node.columns.values() | list -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if execute and files -%}
        {%- set shapes = column_of(
            "select count(distinct shape) from (select list((name, type, converted_type, logical_type, precision, scale)"
            ~ " order by name) as shape from parquet_schema(" ~ text_list(files) ~ ") group by file_name)"
        )[0] -%}
        {%- set parts.from = 'read_parquet(' ~ text_list(files) ~ ', union_by_name = ' ~ (shapes > 1)
            ~ ', hive_partitioning = false)' -%}
        {%- for row in run_query('describe select * from ' ~ parts.from) -%}
            {%- do parts.found.update({row[0] | lower: row[1] | lower}) -%}
        {%- endfor -%}
    {%- endif -%}
    select
    {%- for column in parts.columns %}
        {% set type = column.data_type | lower -%}
        {%- if column.name not in parts.found -%}
            cast(null as {{ type }})
        {%- elif parts.found[column.name] == type -%}
            {{ column.name }}
        {%- else -%}
            try_cast({{ column.name }} as {{ type }})
        {%- endif %} as {{ column.name }}
        {{- ',' if not loop.last }}
    {%- else %}
        null as nothing
    {%- endfor %}
    {%- if parts.from %}
    from {{ parts.from }}
    {%- else %}
    where false
    {%- endif %}
{%- endmacro %}
