{#- What each build has to read: see `int_market__batch`. The ledger of what was built before is `fct_runs`, which a
    build writes last; asking for it with ref() would close a circle. -#}
{% macro ledger() -%}
    {{ return(adapter.get_relation(database=target.database, schema='market', identifier='fct_runs')) }}
{%- endmacro %}

{#- Whether the batch is everything: on a full refresh, and while anything that is built from it does not exist. -#}
{% macro batch_is_whole() -%}
    {%- if not execute or should_full_refresh() -%}{{ return(true) }}{%- endif -%}
    {%- for name in ['tru_product', 'tru_price', 'fct_prices_daily', 'fct_runs'] -%}
        {%- if not adapter.get_relation(database=target.database, schema='market', identifier=name) -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{#- Days to be built again although they were built, as SQL dates. -#}
{% macro rebuild_days() -%}
    {%- set days = [] -%}
    {%- for day in var('rebuild_days') -%}{%- do days.append("date '" ~ day ~ "'") -%}{%- endfor -%}
    {{ return(days) }}
{%- endmacro %}

{#- A query for what is built and stays: run_id, is_day_winner. -#}
{% macro built_runs(columns='run_id') -%}
    {%- set days = rebuild_days() -%}
    select {{ columns }} from {{ ledger() }}
    {%- if days %} where price_date not in ({{ days | join(', ') }}){% endif %}
{%- endmacro %}

{#- URLs of the bronze files of the batch, newest first: of all runs but those that some manifests name. -#}
{% macro batch_files(manifests) -%}
    {%- set batch = ref('int_market__batch') -%}
    {%- set batch = load_relation(batch) if execute -%}
    {%- if not batch -%}{{ return([]) }}{%- endif -%}
    {{ return(column_of(
        "select " ~ text_literal(lake_uri() ~ '/') ~ " || data_key from " ~ batch
        ~ (" anti join " ~ compacted_runs(manifests) ~ " using (run_id)" if manifests else "")
        ~ " where data_key is not null order by run_no desc"
    )) }}
{%- endmacro %}

{#- Days whose rows this build replaces, as a list of SQL dates. -#}
{% macro batch_days() -%}
    {%- set batch = ref('int_market__batch') -%}
    {%- set batch = load_relation(batch) if execute -%}
    {%- if not batch -%}{{ return([]) }}{%- endif -%}
    {{ return(column_of(
        "select distinct 'date ''' || price_date || '''' from " ~ batch ~ " where is_pending order by 1"
    )) }}
{%- endmacro %}

{#- Stops a model from being rebuilt out of a batch that is only the last day's: that would lose its history. -#}
{% macro require_whole_batch() -%}
    {%- set daily_runs, batch = ref('int_market__daily_runs'), ref('int_market__batch') -%}
    {%- if execute and flags.WHICH in ('run', 'build', 'retry') and not is_incremental() -%}
        {%- set missing = column_of(
            "select count(*) from " ~ daily_runs ~ " anti join "
            ~ "(select run_id from " ~ batch ~ " where is_pending) using (run_id)"
        )[0] -%}
        {%- if missing -%}
            {{ exceptions.raise_compiler_error(
                this.identifier ~ " would be rebuilt without " ~ missing ~ " days of history; "
                ~ "rebuild it with what it reads: dbt build --full-refresh --select +" ~ this.identifier
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Stops the ledger from saying that a batch was built when this invocation did not build it. A retry builds only what
    failed before, of the same batch. -#}
{% macro require_whole_selection() -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- for name in ['int_market__batch', 'tru_product', 'tru_price', 'fct_prices_daily'] -%}
            {%- if 'model.gondola.' ~ name not in selected_resources -%}
                {{ exceptions.raise_compiler_error(
                    "fct_runs is the ledger of what was built and must be built with " ~ name
                    ~ ": select the whole system, with --select market shared"
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- A condition that keeps a test to what this build of a system touched, so that its cost does not grow with history. -#}
{% macro touched(column, system='market') -%}
    {%- if system == 'events' -%}{{ return(touched_events(column)) }}{%- endif -%}
    {%- set days = batch_days() -%}
    {%- if not execute or var('test_all') or batch_is_whole() -%}{{ return('true') }}{%- endif -%}
    {{ return(column ~ ' in (' ~ days | join(', ') ~ ')' if days else 'false') }}
{%- endmacro %}

{#- A condition that keeps a test to the batch's newest day, in literals: a view on the lake then opens one day's files. -#}
{% macro newest_runs() -%}
    {%- set batch = ref('int_market__batch') -%}
    {%- set batch = load_relation(batch) if execute -%}
    {%- if not batch -%}{{ return('true') }}{%- endif -%}
    {%- set runs = column_of(
        "select run_id from " ~ batch ~ " where price_date = (select max(price_date) from " ~ batch ~ ")"
    ) -%}
    {{ return('run_id in (' ~ text_list(runs)[1:-1] ~ ')' if runs else 'false') }}
{%- endmacro %}
