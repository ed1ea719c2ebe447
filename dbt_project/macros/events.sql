{#- What an events build has to read and replace. The ledger of what was built before is `fct_loads`, which a build
    writes last; asking for a relation that comes later with ref() would close a circle. -#}
{% macro events_relation(name) -%}
    {{ return(adapter.get_relation(database=target.database, schema='events', identifier=name)) }}
{%- endmacro %}

{% macro events_ledger() -%}
    {{ return(events_relation('fct_loads')) }}
{%- endmacro %}

{#- Models that are built day by day, and the ledger. -#}
{% macro events_incrementals() -%}
    {{ return([
        'stg_events', 'stg_products', 'stg_users', 'int_sessions', 'int_user_journey', 'int_product_performance',
        'fct_daily_engagement', 'fct_funnel', 'fct_revenue', 'fct_attribution', 'fct_loads'
    ]) }}
{%- endmacro %}

{#- Whether the batch is everything: on a full refresh, and while anything that is built from it does not exist. -#}
{% macro events_batch_is_whole() -%}
    {%- if not execute or should_full_refresh() -%}{{ return(true) }}{%- endif -%}
    {%- for name in events_incrementals() -%}
        {%- if not events_relation(name) -%}{{ return(true) }}{%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{#- URLs of the batch's silver files of one kind: events, products or users. -#}
{% macro event_files(kind) -%}
    {%- set batch = ref('int_events__batch') -%}
    {%- set batch = load_relation(batch) if execute -%}
    {%- if not batch -%}{{ return([]) }}{%- endif -%}
    {{ return(column_of(
        "select " ~ text_literal(lake_uri() ~ '/') ~ " || data_key from " ~ batch
        ~ " where kind = " ~ text_literal(kind) ~ " order by run_no desc, data_key"
    )) }}
{%- endmacro %}

{#- Days as a list of SQL dates, from a query whose only column they are. -#}
{% macro date_literals(sql) -%}
    {{ return(column_of("select 'date ''' || strftime(day, '%Y-%m-%d') || '''' from (" ~ sql ~ ") as t (day) order by day")) }}
{%- endmacro %}

{#- Days whose events this build reads again. -#}
{% macro pending_event_days() -%}
    {%- set batch = ref('int_events__batch') -%}
    {%- set batch = load_relation(batch) if execute -%}
    {%- if not batch -%}{{ return([]) }}{%- endif -%}
    {{ return(date_literals("select distinct event_date from " ~ batch ~ " where kind = 'events'")) }}
{%- endmacro %}

{#- Days whose rows this build replaces: the pending ones and those that their sessions reach into.

    Arguments:
        ahead: how many days after each of them are replaced too, because their rows look back so far. -#}
{% macro touched_event_days(ahead=0) -%}
    {%- set touched = ref('int_events__touched') -%}
    {%- set touched = load_relation(touched) if execute -%}
    {%- if not touched -%}{{ return([]) }}{%- endif -%}
    {{ return(date_literals(
        "select distinct cast(unnest(generate_series(touched_day, touched_day + " ~ ahead ~ ", interval 1 day)) as date)"
        ~ " from " ~ touched
    )) }}
{%- endmacro %}

{#- A condition that keeps an incremental model to the days it replaces; always true when it is built anew. -#}
{% macro on_touched_days(column, ahead=0) -%}
    {%- set days = touched_event_days(ahead) -%}
    {%- if not is_incremental() -%}{{ return('true') }}{%- endif -%}
    {{ return(column ~ ' in (' ~ days | join(', ') ~ ')' if days else 'false') }}
{%- endmacro %}

{#- The same for a test: `touched` of the events system. -#}
{% macro touched_events(column) -%}
    {%- set days = touched_event_days() -%}
    {%- if not execute or var('test_all') or events_batch_is_whole() -%}{{ return('true') }}{%- endif -%}
    {{ return(column ~ ' in (' ~ days | join(', ') ~ ')' if days else 'false') }}
{%- endmacro %}

{#- Stops a model from being rebuilt out of a batch that is only the last day's: that would lose its history. -#}
{% macro require_whole_events() -%}
    {%- set loads, batch = ref('stg_loads'), ref('int_events__batch') -%}
    {%- if execute and flags.WHICH in ('run', 'build', 'retry') and not is_incremental() -%}
        {%- set missing = column_of(
            "select count(*) from " ~ loads ~ " where status <> 'failed'"
            ~ " and (len(events_keys) > 0 or products_key is not null or users_key is not null)"
            ~ " and run_id not in (select run_id from " ~ batch ~ ")"
        )[0] -%}
        {%- if missing -%}
            {{ exceptions.raise_compiler_error(
                this.identifier ~ " would be rebuilt without " ~ missing ~ " loads of history; "
                ~ "rebuild it with what it reads: dbt build --full-refresh --select +" ~ this.identifier
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Stops the ledger from saying that loads were built when this invocation did not build them. -#}
{% macro require_whole_events_selection() -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- for name in ['int_events__batch', 'int_events__reopened', 'int_events__touched'] + events_incrementals() -%}
            {%- if 'model.gondola.' ~ name not in selected_resources -%}
                {{ exceptions.raise_compiler_error(
                    "fct_loads is the ledger of what was built and must be built with " ~ name
                    ~ ": select the whole system, with --select events shared"
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- What a purchase row came to; null when its price is not known. -#}
{% macro line_revenue() -%}
    cast(price * quantity as decimal(18, 2))
{%- endmacro %}

{#- Measures of purchase rows; unknown prices are counted apart, not taken for 0. -#}
{% macro purchase_measures(only="event_type = 'purchase'") -%}
    count(*) filter (where {{ only }}) as purchases,
    count(distinct order_key) filter (where {{ only }}) as orders,
    cast(coalesce(sum(quantity) filter (where {{ only }}), 0) as bigint) as units,
    cast(sum({{ line_revenue() }}) filter (where {{ only }}) as decimal(18, 2)) as revenue,
    cast(coalesce(sum(quantity) filter (where {{ only }} and price is null), 0) as bigint) as unknown_price_units,
    cast(coalesce(sum(quantity) filter (where {{ only }} and price = 0), 0) as bigint) as zero_price_units
{%- endmacro %}

{#- The name of a session: of its user and the id the shop gave it, or, where it gave none, the moment it began. -#}
{% macro session_key(user_id, session_id, started_at=none) -%}
    {%- if started_at -%}
    md5(concat_ws(
        chr(31), {{ user_id }}, coalesce('i' || {{ session_id }}, 't' || epoch_us({{ started_at }}))
    ))
    {%- else -%}
    md5(concat_ws(chr(31), {{ user_id }}, 'i' || {{ session_id }}))
    {%- endif -%}
{%- endmacro %}

{#- Days that reopened sessions reach into and that are not read again anyway. -#}
{% macro days_of_reopened_sessions() -%}
    {%- set reopened = ref('int_events__reopened') -%}
    {%- set batch = ref('int_events__batch') -%}
    {%- set reopened = load_relation(reopened) if execute -%}
    {%- if not reopened -%}{{ return([]) }}{%- endif -%}
    {{ return(date_literals(
        "select distinct cast(unnest(generate_series(session_date, last_event_date, interval 1 day)) as date) from "
        ~ reopened ~ " where is_current except select event_date from " ~ batch ~ " where kind = 'events'"
    )) }}
{%- endmacro %}

{#- The steps of the funnel, in order. -#}
{% macro funnel_steps() -%}
    {{ return(['session', 'view', 'cart', 'checkout', 'purchase']) }}
{%- endmacro %}

{% macro funnel_rank(column) -%}
    list_position({{ text_list(funnel_steps()) }}, {{ column }})
{%- endmacro %}

{#- A part of a whole; null when there is no whole. -#}
{% macro share(part, whole) -%}
    case when {{ whole }} > 0 then cast({{ part }} / {{ whole }} as decimal(9, 4)) end
{%- endmacro %}

{#- A condition that keeps a query to the days whose events this build reads. -#}
{% macro on_pending_days(column) -%}
    {%- set days = pending_event_days() -%}
    {{ return(column ~ ' in (' ~ days | join(', ') ~ ')' if days else 'false') }}
{%- endmacro %}
