with runs as (
    select * from {{ ref('stg_vtex__runs') }}
),

-- A region whose postal code has the sellers of another one is not crawled again: its prices are the other's.
mentions as (
    select
        supermarket,
        region,
        region as price_region,
        region_name,
        postal_code,
        started_at,
        run_id,
        false as is_alias
    from runs
    union all by name
    select
        supermarket,
        unnest(aliases) as region,
        region as price_region,
        started_at,
        run_id,
        true as is_alias
    from runs
),

regions as (
    select
        supermarket,
        region,
        arg_max(price_region, (started_at, not is_alias, run_id)) as price_region,
        -- Also of a region that is an alias today and was crawled before.
        arg_max(region_name, started_at) as region_name,
        arg_max(postal_code, started_at) as postal_code
    from mentions
    group by supermarket, region
),

stores as (
    select
        supermarket,
        region,
        last(supermarket_name order by started_at, run_id) as supermarket_name,
        last(base_url order by started_at, run_id) as base_url,
        last(region_id order by started_at, run_id) as region_id,
        last(sales_channel order by started_at, run_id) as sales_channel,
        min(business_date) as first_run_date,
        max(business_date) as last_run_date,
        max(business_date) filter (where status = 'complete') as last_complete_date,
        max(finished_at) filter (where status <> 'failed') as last_received_at,
        count(*) as runs
    from runs
    group by supermarket, region
),

current_prices as (
    select
        supermarket,
        region,
        count(*) as products,
        count(*) filter (where is_available) as products_available
    from {{ ref('tru_price') }}
    where valid_to is null and status <> 'gone'
    group by supermarket, region
)

select
    regions.supermarket,
    regions.region,
    coalesce(stores.supermarket_name, regions.supermarket) as supermarket_name,
    coalesce(regions.region_name, regions.region) as region_name,
    stores.base_url,
    regions.postal_code,
    stores.region_id,
    stores.sales_channel,
    regions.price_region,
    regions.price_region <> regions.region as is_alias,
    stores.first_run_date,
    stores.last_run_date,
    stores.last_complete_date,
    stores.last_received_at,
    stores.runs,
    coalesce(current_prices.products, 0) as products,
    coalesce(current_prices.products_available, 0) as products_available
from regions
left join stores on regions.supermarket = stores.supermarket and regions.price_region = stores.region
left join current_prices
    on regions.supermarket = current_prices.supermarket and regions.price_region = current_prices.region
