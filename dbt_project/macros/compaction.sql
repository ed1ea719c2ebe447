{#- Old runs are read from silver: a compaction put their rows there, proved that they are the same, and named them in
    a manifest. Silver is preferred as soon as a manifest names a run. It is smaller than the file the run wrote, it is
    never archived (an archived file can't be read) and never deleted, while the run's own file may go at any time. -#}

{#- Manifests that may name runs of a relation (supermarket, region and a day): those of its months and store-regions. A
    month is one folder, so that a build of the last day lists one folder, which is empty, and a build of all history
    one for each month. -#}
{% macro manifests_of(relation, day) -%}
    {%- set patterns = column_of(
        "select distinct " ~ text_literal(lake_uri() ~ '/metadata/compactions/system=market/')
        ~ " || strftime(" ~ day ~ ", 'year=%Y/month=%m/day=01/*.parquet') from " ~ relation
        ~ " where data_key is not null order by 1"
    ) -%}
    {%- if not patterns -%}{{ return([]) }}{%- endif -%}
    {{ return(column_of(
        "select file from glob(" ~ text_list(patterns) ~ ") as manifests semi join " ~ relation ~ " as runs on "
        ~ "starts_with(parse_filename(manifests.file), runs.supermarket || '-' || runs.region || '-') order by file"
    )) }}
{%- endmacro %}

{#- The runs that some manifests name: run_id, source_key (what `data_key` is in the run's record), silver_key. -#}
{% macro compacted_runs(manifests) -%}
    (select run_id, source_key, silver_key from read_parquet({{ text_list(manifests) }}, hive_partitioning = false))
{%- endmacro %}

{#- The manifests that the batch needs. -#}
{% macro batch_manifests() -%}
    {%- set batch = ref('int_market__batch') -%}
    {%- set batch = load_relation(batch) if execute -%}
    {{ return(manifests_of(batch, 'price_date') if batch else []) }}
{%- endmacro %}

{#- URLs of the files of silver that hold runs of the batch, newest first. -#}
{% macro batch_silver(manifests) -%}
    {%- if not manifests -%}{{ return([]) }}{%- endif -%}
    {{ return(column_of(
        "select " ~ text_literal(lake_uri() ~ '/') ~ " || silver_key from " ~ ref('int_market__batch')
        ~ " inner join " ~ compacted_runs(manifests) ~ " using (run_id) where data_key is not null "
        ~ "group by silver_key order by max(run_no) desc"
    )) }}
{%- endmacro %}
