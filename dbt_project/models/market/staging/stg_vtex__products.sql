{{ config(materialized='view') }}

{% set manifests = batch_manifests() -%}
-- Read from {{ source('market_lake', 'products') }}: the files that {{ ref('int_market__batch') }} names, no others.
{{ lake_rows('market_lake', 'products', batch_files(manifests)) }}
{%- set silver = batch_silver(manifests) %}
{%- if silver %}
-- Apart from the files above, which have other columns: united by name, all would be opened at each mention.
union all
select * from (
    {{ lake_rows('market_lake', 'products', silver) }}
) as silver
where run_id in (select batch.run_id from {{ ref('int_market__batch') }} as batch)
{%- endif %}
