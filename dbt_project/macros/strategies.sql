{#- Puts replayed price history in the place of what was there: every row of a store from its first replayed day on, and
    the rows before it whose end has moved. -#}
{% macro get_incremental_replay_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set source = arg_dict['temp_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ target }} as history
    using (
        select distinct supermarket, region, replay_from from {{ ref('int_market__batch') }} where is_replayed
    ) as stores
    where
        history.supermarket = stores.supermarket
        and history.region = stores.region
        and history.valid_from >= stores.replay_from;

    delete from {{ target }} as history
    using {{ source }} as replayed
    where
        history.supermarket = replayed.supermarket
        and history.region = replayed.region
        and history.sku_id = replayed.sku_id
        and history.valid_from = replayed.valid_from;

    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ source }}
{%- endmacro %}

{#- Puts the batch's days in the place of what was there for them, also where a day has no row any more. The days are
    literals, so that only the parts of the table that hold them are looked at. -#}
{% macro get_incremental_replace_days_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set days = batch_days() -%}
    {% if days -%}
    delete from {{ target }} as fact
    using (
        select supermarket, region, price_date from {{ ref('int_market__batch') }} where is_pending
    ) as pending
    where
        fact.price_date between {{ days | first }} and {{ days | last }}
        and fact.price_date = pending.price_date
        and fact.supermarket = pending.supermarket
        and fact.region = pending.region;
    {%- endif %}

    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}
