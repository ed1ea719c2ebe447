{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['supermarket', 'sku_id']) }}
{{ require_whole_batch() }}

-- Every run that was not a failure tells of products, whether or not it is the day's winner: what is known of a product
-- is then a maximum over runs, which does not depend on the order they arrive in or on how often they are read.
with offers as not materialized (
    select * from {{ ref('int_market__offers') }}
    where is_new and sku_id is not null
),

seen as (
    select
        chain_no,
        sku_id,
        max(run_no) as run_no,
        min(price_date) as first_seen_date
    from offers
    group by chain_no, sku_id
),

latest as (
    select
        offers.* exclude (run_no),  -- noqa: RF02
        seen.first_seen_date
    from offers
    inner join seen on offers.run_no = seen.run_no and offers.sku_id = seen.sku_id
    -- A run that loses its day may have written a SKU twice.
    qualify row_number() over (partition by offers.run_no, offers.sku_id) = 1
),

judged_eans as (
    {{ barcodes('latest') }}
),

described as (
    select
        latest.supermarket,
        latest.sku_id,
        latest.product_id,
        latest.ean,
        judged_eans.gtin,
        judged_eans.ean_status,
        latest.reference_id,
        {{ tidy('latest.product_name') }} as product_name,
        {{ tidy('latest.sku_name') }} as sku_name,
        {{ tidy('latest.brand') }} as brand,
        latest.brand_id,
        latest.category_path,
        latest.category_ids,
        {{ category_level('latest.category_path', 1) }} as department,
        {{ category_level('latest.category_path', 2) }} as category,
        {{ category_level('latest.category_path', 3) }} as subcategory,
        latest.link,
        latest.image_url,
        lower(trim(latest.measurement_unit)) as measurement_unit,
        latest.unit_multiplier,
        coalesce(lower(trim(latest.measurement_unit)) = 'kg', false) as is_sold_by_weight,
        latest.first_seen_date,
        latest.price_date as last_seen_date,
        latest.started_at as last_seen_at,
        latest.run_id as last_run_id
    from latest
    left join judged_eans on latest.ean is not distinct from judged_eans.ean
)

{% if is_incremental() -%}
,

compared as (
    select
        described.*,
        known.first_seen_date as known_first_seen_date,
        known.sku_id is not null
        and (described.last_seen_date, described.last_seen_at, described.last_run_id)
        < (known.last_seen_date, known.last_seen_at, known.last_run_id) as is_older
    from described
    left join {{ this }} as known
        on described.supermarket = known.supermarket and described.sku_id = known.sku_id
)

select
    * exclude (known_first_seen_date, is_older)
    replace (least(first_seen_date, known_first_seen_date) as first_seen_date)
from compared
where not is_older
union all by name
select known.* replace (compared.first_seen_date as first_seen_date)
from {{ this }} as known
inner join compared on known.supermarket = compared.supermarket and known.sku_id = compared.sku_id
where compared.is_older and compared.first_seen_date < compared.known_first_seen_date
{%- else -%}
select * from described
{%- endif %}
