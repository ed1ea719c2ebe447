with customers as (
    select
        user_id,
        max(last_purchase_date) as last_purchase_date,
        cast(sum(orders) as bigint) as frequency,
        cast(sum(revenue) as decimal(18, 2)) as monetary
    from {{ ref('int_user_journey') }}
    group by user_id
    having sum(purchases) > 0
),

dated as (
    select
        *,
        (
            select greatest(max(days.session_date), max(days.last_purchase_date))
            from {{ ref('int_user_journey') }} as days
        ) as as_of_date
    from customers
),

-- A score is one more than how many fifths of the customers are worse: equals are equal, in every order of rows.
scored as (
    select
        *,
        as_of_date - last_purchase_date as recency_days,
        cast((rank() over (order by last_purchase_date) - 1) * 5 // count(*) over () + 1 as integer) as recency_score,
        cast((rank() over (order by frequency) - 1) * 5 // count(*) over () + 1 as integer) as frequency_score,
        cast((rank() over (order by monetary nulls first) - 1) * 5 // count(*) over () + 1 as integer) as monetary_score
    from dated
)

select
    user_id,
    as_of_date,
    last_purchase_date,
    cast(recency_days as integer) as recency_days,
    frequency,
    monetary,
    recency_score,
    frequency_score,
    monetary_score,
    case
        when recency_score >= 4 and frequency_score >= 4 and monetary_score >= 4 then 'champions'
        when recency_score >= 3 and frequency_score >= 4 then 'loyal'
        when recency_score >= 3 and monetary_score >= 4 then 'big_spenders'
        when recency_score >= 4 then 'recent'
        when recency_score >= 3 then 'promising'
        when frequency_score >= 4 or monetary_score >= 4 then 'at_risk'
        when recency_score = 2 then 'hibernating'
        else 'lost'
    end as segment
from scored
