{#- Patterns of the run records a build must look through: all of them at first, later the days since the newest known
    run and a few before it. The watermark is fetched and becomes a literal, because a subquery in its place would list
    everything. -#}
{% macro run_record_patterns() -%}
    {%- set root = lake_uri() ~ '/metadata/runs/system=market/' -%}
    {%- if not is_incremental() -%}
        {{ return([root ~ '*/*/*/*.parquet']) }}
    {%- endif -%}
    {%- set days -%}
        with known as (select max(cast(started_at as date)) as newest from {{ this }})
        select strftime(unnest(generate_series(
            known.newest - {{ var('runs_look_back_days') | int }}, greatest(known.newest, current_date) + 1, interval 1 day
        )), 'year=%Y/month=%m/day=%d/')
        from known
    {%- endset -%}
    {%- set partitions = column_of(days) -%}
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

{#- The run records that are not in `stg_vtex__runs` yet. A record is named by its run id: known ones stay closed. -#}
{% macro new_run_records() -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set sql -%}
        select file from glob({{ text_list(run_record_patterns()) }})
        {% if is_incremental() %}where parse_filename(file, true) not in (select run_id from {{ this }}){% endif %}
        order by file
    {%- endset -%}
    {{ return(column_of(sql)) }}
{%- endmacro %}

{#- When the lake last heard from a store. A failed run does not count, and no run at all is as stale as can be. -#}
{% macro runs_loaded_at() -%}
    {%- set files = column_of(
        "select file from glob(" ~ text_literal(lake_uri() ~ '/metadata/runs/system=market/*/*/*/*.parquet') ~ ")"
        ~ " qualify dense_rank() over (order by parse_path(file)[-4:-2] desc) <= 31"
    ) -%}
    select coalesce(max(finished_at), timestamptz '1970-01-01 00:00:00+00') as loaded_at
    from ({{ lake_rows('market_lake', 'runs', files) }})
    where status <> 'failed'
{%- endmacro %}
