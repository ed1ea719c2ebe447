{#- Patterns of the run records of one system that a build must look through: all of them at first, later the days
    since the newest known run and a few before it. They are literals, because a subquery in their place would list
    everything.

    Arguments:
        system: a system, as run records name it.
        newest: SQL date of its newest known run, as text; none when none is known. -#}
{% macro run_record_patterns(system, newest) -%}
    {%- set root = lake_uri() ~ '/metadata/runs/system=' ~ system ~ '/' -%}
    {%- set partitions = column_of(
        "select strftime(unnest(generate_series("
        ~ "date '" ~ newest ~ "' - " ~ var('runs_look_back_days') | int
        ~ ", greatest(date '" ~ newest ~ "', current_date) + 1, interval 1 day)), 'year=%Y/month=%m/day=%d/')"
    ) if newest else [] -%}
    {#- Nothing known yet, or nothing heard for so long that listing day by day costs more than listing all. -#}
    {%- if partitions | length == 0 or partitions | length > 60 -%}
        {{ return([root ~ '*/*/*/*.parquet']) }}
    {%- endif -%}
    {%- set patterns = [] -%}
    {%- for partition in partitions -%}
        {%- do patterns.append(root ~ partition ~ '*.parquet') -%}
    {%- endfor -%}
    {{ return(patterns) }}
{%- endmacro %}

{#- The run records that are not in this model yet. A record is named by its run id: known ones stay closed.

    Arguments:
        systems: whose records.
        system_column: what says in this model which system a run is of. -#}
{% macro new_run_records(systems=['market'], system_column="'market'") -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set newest = {} -%}
    {#- Days built again may be days whose records came late, as from another lake. -#}
    {%- if is_incremental() and not rebuild_days() -%}
        {%- for row in run_query(
            "select " ~ system_column ~ ", cast(max(cast(started_at as date)) as varchar) from " ~ this ~ " group by 1"
        ) -%}
            {%- do newest.update({row[0]: row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set patterns = [] -%}
    {%- for system in systems -%}
        {%- do patterns.extend(run_record_patterns(system, newest.get(system))) -%}
    {%- endfor -%}
    {%- set sql -%}
        select file from glob({{ text_list(patterns) }})
        {% if is_incremental() %}where parse_filename(file, true) not in (select run_id from {{ this }}){% endif %}
        order by file
    {%- endset -%}
    {{ return(column_of(sql)) }}
{%- endmacro %}

{#- When the lake last heard from a source of a system. A failed run does not count, and no run at all is as stale as can be. -#}
{% macro runs_loaded_at(system='market') -%}
    {%- set files = column_of(
        "select file from glob(" ~ text_literal(lake_uri() ~ '/metadata/runs/system=' ~ system ~ '/*/*/*/*.parquet') ~ ")"
        ~ " qualify dense_rank() over (order by parse_path(file)[-4:-2] desc) <= 31"
    ) -%}
    select coalesce(max(finished_at), timestamptz '1970-01-01 00:00:00+00') as loaded_at
    from ({{ lake_rows(system ~ '_lake', 'runs', files) }})
    where status <> 'failed'
{%- endmacro %}
