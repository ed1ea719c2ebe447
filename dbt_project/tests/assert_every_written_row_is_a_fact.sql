-- A day's facts are the rows its winning run says it wrote: none lost, none twice, none of another run.
with days as (
    select * from {{ ref('int_market__batch') }}
    where is_pending
),

facts as (
    select
        supermarket,
        region,
        price_date,
        run_id,
        count(*) as fact_rows
    from {{ ref('fct_prices_daily') }}
    where {{ touched('price_date') }}
    group by all
)

select
    days.supermarket,
    days.region,
    days.price_date,
    days.run_id,
    days.written_rows,
    facts.fact_rows
from days
left join facts
    on
        days.supermarket = facts.supermarket
        and days.region = facts.region
        and days.price_date = facts.price_date
        and days.run_id = facts.run_id
where days.written_rows <> coalesce(facts.fact_rows, 0)
union all
select
    facts.supermarket,
    facts.region,
    facts.price_date,
    facts.run_id,
    days.written_rows,
    facts.fact_rows
from facts
inner join days
    on
        facts.supermarket = days.supermarket
        and facts.region = days.region
        and facts.price_date = days.price_date
where facts.run_id <> days.run_id
