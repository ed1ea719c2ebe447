{{ config(alias='dim_date') }}

-- The calendar that all systems share; engines that do not build it have been given a copy.
select *
from {% if target.type == 'duckdb' %}{{ ref('dim_date') }}{% else %}{{ source('physical_product_raw', 'calendar') }}{% endif %}
