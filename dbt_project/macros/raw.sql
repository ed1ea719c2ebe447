{#- A raw table that a loader merges into the warehouse, typed as its source's columns say. Before the first load there
    is none, which gives an empty relation of the same columns. Columns the loader adds are left out. -#}
{% macro raw_rows(source_name, table_name) -%}
    {%- set columns = [] -%}
    {%- set raw = namespace(relation=none) -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name == source_name and node.name == table_name -%}
            {%- do columns.extend(node.columns.values()) -%}
            {%- set raw.relation = adapter.get_relation(
                database=target.database, schema=node.schema, identifier=node.identifier
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    select
    {%- for column in columns %}
        cast({{ column.name if raw.relation else 'null' }} as {{ column.data_type }}) as {{ column.name }}
        {{- ',' if not loop.last }}
    {%- else %}
        null as nothing
    {%- endfor %}
    {%- if raw.relation %}
    from {{ raw.relation }}
    {%- else %}
    where false
    {%- endif %}
{%- endmacro %}
