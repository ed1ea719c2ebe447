{{ config(alias='loads') }}

-- What {{ source('physical_product_raw', 'runs') }} say: only runs that ended have files that count.
{{ bronze_loads('physical_product_raw', 'physical_product') }}
