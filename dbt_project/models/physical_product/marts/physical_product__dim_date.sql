{{ config(alias='dim_date') }}

{%- set calendar = ref('dim_date') if target.type == 'duckdb' else source('physical_product_raw', 'calendar') %}

-- The calendar that all systems share; engines that do not build it have been given a copy.
select * from {{ calendar }}
