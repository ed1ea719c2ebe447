{#- Puts the days this build made in the place of what was there for them, also where a day has no row any more. The
    column of days is the model's `unique_key`; `meta.days_ahead` says how many days after a touched one are made too. -#}
{% macro get_incremental_replace_touched_days_sql(arg_dict) -%}
    {{ replace_days(arg_dict, touched_event_days(config.get('meta').get('days_ahead', 0))) }}
{%- endmacro %}

{#- The same for the days whose events are read. -#}
{% macro get_incremental_replace_pending_days_sql(arg_dict) -%}
    {{ replace_days(arg_dict, pending_event_days()) }}
{%- endmacro %}

{% macro replace_days(arg_dict, days) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {% if days -%}
    delete from {{ target }} where {{ arg_dict['unique_key'] }} in ({{ days | join(', ') }});
    {%- endif %}

    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}

{#- Puts sessions that were made again in the place of those they were. -#}
{% macro get_incremental_replace_sessions_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ target }}
    where session_key in (select session_key from {{ ref('int_events__reopened') }} where is_current);

    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}
