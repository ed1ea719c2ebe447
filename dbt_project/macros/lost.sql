{#- Runs whose bronze file is gone from the lake: see `int_market__lost_runs`. -#}

{#- Keys of files that run records name and the lake does not hold. Looked at are only those this build may read: all of
    them when the batch is everything; else a store's from its first day that is not built, and those lost before. -#}
{% macro lost_files() -%}
    {%- set runs = ref('stg_vtex__runs') -%}
    {%- set runs = load_relation(runs) if execute -%}
    {%- if not runs -%}{{ return([]) }}{%- endif -%}
    {%- set before = load_relation(this) -%}
    {%- set looked_at -%}
        select distinct runs.data_key
        from {{ runs }} as runs
        {% if not batch_is_whole() -%}
        left join (
            select supermarket, region, min(business_date) as first_day
            from {{ runs }}
            where status in ('complete', 'partial') and run_id not in ({{ built_runs() }})
            group by all
        ) as changed on runs.supermarket = changed.supermarket and runs.region = changed.region
        {% endif -%}
        where runs.status in ('complete', 'partial') and runs.business_date is not null and runs.data_key is not null
        {% if not batch_is_whole() -%}
        and (
            runs.business_date >= changed.first_day
            {% if before %}or runs.run_id in (select run_id from {{ before }}){% endif %}
        )
        {%- endif %}
    {%- endset -%}
    {%- set keys = column_of(looked_at) -%}
    {%- if not keys -%}{{ return([]) }}{%- endif -%}
    {%- set patterns = [] -%}
    {%- if keys | length <= 50 -%}
        {#- With a wildcard at its end: the name alone is believed to exist on S3. -#}
        {%- for key in keys -%}{%- do patterns.append(lake_uri() ~ '/' ~ key ~ '*') -%}{%- endfor -%}
    {%- else -%}
        {%- do patterns.append(lake_uri() ~ '/bronze/market/**/*.parquet') -%}
    {%- endif -%}
    {%- set gone = column_of(
        "select data_key from (select unnest(" ~ text_list(keys) ~ ") as data_key) where "
        ~ text_literal(lake_uri() ~ '/') ~ " || data_key not in (select file from glob(" ~ text_list(patterns) ~ "))"
        ~ " order by data_key"
    ) -%}
    {%- if not gone -%}{{ return([]) }}{%- endif -%}
    {#- A file that was compacted is not lost: its rows are in silver. -#}
    {%- set manifests = manifests_of(
        "(select supermarket, region, business_date, data_key from " ~ runs ~ " where data_key in (select unnest("
        ~ text_list(gone) ~ ")))", 'business_date'
    ) -%}
    {%- if not manifests -%}{{ return(gone) }}{%- endif -%}
    {{ return(column_of(
        "select data_key from (select unnest(" ~ text_list(gone) ~ ") as data_key) anti join "
        ~ compacted_runs(manifests) ~ " as compacted on compacted.source_key = data_key order by data_key"
    )) }}
{%- endmacro %}

{#- Stops a build of everything that would leave out days the lake no longer holds, unless somebody accepts that. -#}
{% macro refuse_to_lose(files) -%}
    {%- if execute and files and batch_is_whole() and not var('accept_lost_runs') -%}
        {{ exceptions.raise_compiler_error(
            files | length ~ " bronze files of recorded runs are gone; a build of everything would lose them. Put them "
            ~ "back, restore a backup (gondola restore), or accept it (--accept-lost): " ~ files[:3] | join(', ')
            ~ (', …' if files | length > 3 else '')
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- What stands in for lost files when history is replayed over their days: the facts built from them before. It is no
    ref(), as the facts of those days are not built by this build, in whichever order the models run. -#}
{% macro facts_of_lost_runs() -%}
    {%- set batch = ref('int_market__batch') -%}
    {%- set batch = load_relation(batch) if execute -%}
    {%- if not batch or batch_is_whole() or not column_of("select count(*) from " ~ batch ~ " where is_lost")[0] -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(adapter.get_relation(database=target.database, schema='market', identifier='fct_prices_daily')) }}
{%- endmacro %}
