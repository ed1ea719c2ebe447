{{ config(alias='fact_quality') }}

select
    inspection_id,
    product_id,
    batch_id,
    inspection_date,
    inspected_at,
    site,
    sample_size,
    defects,
    {{ share_of('defects', 'sample_size') }} as defect_rate,
    is_passed
from {{ ref('physical_product__stg_quality') }}
