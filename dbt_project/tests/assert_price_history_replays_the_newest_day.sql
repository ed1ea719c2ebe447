-- What the price history says of each store's newest day is what the day's facts say, and the products are known.
-- A partial day tells only of the SKUs it shows.
with newest as (
    select
        supermarket,
        region,
        max(price_date) as price_date,
        arg_max(run_status, price_date) as run_status
    from {{ ref('int_market__batch') }}
    where is_replayed
    group by all
),

facts as (
    select fct.*
    from {{ ref('fct_prices_daily') }} as fct
    inner join newest
        on fct.supermarket = newest.supermarket and fct.region = newest.region and fct.price_date = newest.price_date
),

history as (
    select
        prices.*,
        newest.run_status
    from {{ ref('tru_price') }} as prices
    inner join newest
        on
            prices.supermarket = newest.supermarket
            and prices.region = newest.region
            and prices.valid_from <= newest.price_date
            and (prices.valid_to is null or prices.valid_to > newest.price_date)
    where prices.status <> 'gone'
)

select
    coalesce(facts.supermarket, history.supermarket) as supermarket,
    coalesce(facts.region, history.region) as region,
    coalesce(facts.sku_id, history.sku_id) as sku_id,
    facts.price as fact_price,
    history.price as history_price
from facts
full outer join history
    on
        facts.supermarket = history.supermarket
        and facts.region = history.region
        and facts.sku_id = history.sku_id
left join {{ ref('tru_product') }} as products
    on facts.supermarket = products.supermarket and facts.sku_id = products.sku_id
where
    (facts.sku_id is null and history.run_status = 'complete')
    or (facts.sku_id is not null and (history.sku_id is null or products.sku_id is null))
    or (
        facts.sku_id is not null
        and (
            facts.price is distinct from history.price
            or facts.list_price is distinct from history.list_price
            or facts.is_available is distinct from history.is_available
        )
    )
