{#- PostgreSQL's materialized views, kept so that readers never miss one. dbt's own way would go on with an old query
    after the SQL has changed, and lock readers out while it refreshes. What these views hang on must be tables that
    stay, as those of a loader or of an incremental model: dbt replaces others by rename and drop, views and all. -#}
{% macro _query_tag(query) -%}
    {{ return('dbt sql ' ~ local_md5(query)) }}
{%- endmacro %}

{% macro postgres__get_create_materialized_view_as_sql(relation, sql) %}
    create materialized view if not exists {{ relation }} as {{ sql }};
    {% for index in config.get('indexes', []) -%}
    {{ get_create_index_sql(relation, index) }};
    {% endfor -%}
    comment on materialized view {{ relation }} is '{{ _query_tag(sql) }}'
{% endmacro %}

{% macro postgres__refresh_materialized_view(relation) %}
    {%- set made_of = run_query(
        "select obj_description('" ~ relation ~ "'::regclass, 'pg_class')"
    ).rows[0][0] if execute -%}
    {%- if made_of != _query_tag(sql) -%}
    drop materialized view if exists {{ relation }} cascade;
    {{ get_create_materialized_view_as_sql(relation, sql) }}
    {%- else -%}
    {%- set unique = config.get('indexes', []) | selectattr('unique', 'equalto', true) | list -%}
    refresh materialized view {{ 'concurrently' if unique }} {{ relation }}
    {%- endif -%}
{% endmacro %}
