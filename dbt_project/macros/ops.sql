{#- Files of records of some kind (requests, quality) that belong to runs in `ops.fct_runs` and are not in this model
    yet. A run's file is named by the run and lies under the run's day, so only the days of runs that may be new are
    listed, and what has no run record does not exist.

    Arguments:
        kind: a folder below `metadata/`.
        condition: which runs may have such a file, as SQL about `ops.fct_runs`. -#}
{% macro new_record_files(kind, condition) -%}
    {%- set runs = ref('fct_ops__runs') -%}
    {%- if not execute or not load_relation(runs) -%}{{ return([]) }}{%- endif -%}
    {%- set first_start = "timestamptz '1970-01-01'" -%}
    {#- Days built again may be days whose records came late, as from another lake. -#}
    {%- if is_incremental() and not rebuild_days() -%}
        {%- set newest = column_of("select cast(max(run_started_at) as varchar) from " ~ this)[0] -%}
        {%- if newest -%}
            {%- set first_start = "timestamptz '" ~ newest ~ "' - interval " ~ var('runs_look_back_days') | int ~ " day" -%}
        {%- endif -%}
    {%- endif -%}
    {%- set may_be_new -%}
        select * from {{ runs }}
        where
            {{ condition }} and started_at >= {{ first_start }}
            {% if is_incremental() -%}
            and run_id not in (select distinct run_id from {{ this }} where run_started_at >= {{ first_start }})
            {%- endif %}
    {%- endset -%}
    {%- set root = lake_uri() ~ '/metadata/' ~ kind ~ '/' -%}
    {%- set patterns = column_of(
        "select distinct " ~ text_literal(root) ~ " || 'system=' || system || strftime(started_at, "
        ~ "'/year=%Y/month=%m/day=%d/*.parquet') from (" ~ may_be_new ~ ") order by 1"
    ) -%}
    {%- if patterns | length == 0 -%}{{ return([]) }}{%- endif -%}
    {%- if patterns | length > 60 -%}
        {%- set patterns = [root ~ '*/*/*/*/*.parquet'] -%}
    {%- endif -%}
    {{ return(column_of(
        "select file from glob(" ~ text_list(patterns) ~ ") where parse_filename(file, true) in "
        ~ "(select run_id from (" ~ may_be_new ~ ")) order by file"
    )) }}
{%- endmacro %}

{#- The part of a run's price that one of its quantities makes, from the price list in dbt_project.yml. -#}
{% macro cost_of(quantity, unit, price) -%}
    cast({{ quantity }} / {{ unit }} * {{ var('costs')[price] }} as decimal(18, 6))
{%- endmacro %}

{#- A condition that keeps a test to the newest runs of a model, so that its cost does not grow with history.

    Arguments:
        column: the start of a run.
        model: a model of `ops` that has it. -#}
{% macro lately(column, model) -%}
    {%- if var('test_all') -%}{{ return('true') }}{%- endif -%}
    {{ return(
        column ~ ' >= (select max(' ~ column ~ ') from ' ~ ref(model) ~ ') - interval '
        ~ var('runs_look_back_days') | int ~ ' day'
    ) }}
{%- endmacro %}
