{{ config(alias='stg_recipes') }}

-- Loaded from {{ source('physical_product_raw', 'recipes') }}: the newest file is all there is, so that a line can go.
with bronze as (
    {{ bronze_rows('physical_product_raw', 'recipes', ref('physical_product__loads')) }}
)

select
    product_id,
    component_id,
    quantity,
    scrap_share,
    cast(quantity * (1 + scrap_share) as decimal(18, 8)) as gross_quantity,
    run_id
from bronze
where run_id = (
    select max(loads.run_id) from {{ ref('physical_product__loads') }} as loads
    where loads.table_name = 'recipes'
)
