{{ config(materialized='view') }}

with products as (
    select * from {{ ref('stg_vtex__products') }}
),

batch as (
    select * from {{ ref('int_market__batch') }}
),

priced as (
    select
        products.* exclude (price, list_price, price_without_discount, full_selling_price, is_available),  -- noqa: RF02
        batch.* exclude (run_id),  -- noqa: RF02
        coalesce(products.is_available and products.price > 0, false) as is_available,
        case when products.is_available and products.price > 0 then products.price end as price,
        products.list_price as said_list_price,
        case
            when products.is_available and products.price > 0 and products.price_without_discount > 0
                then products.price_without_discount
        end as price_without_discount,
        case
            when products.is_available and products.price > 0 and products.full_selling_price > 0
                then products.full_selling_price
        end as price_per_increment
    from products
    inner join batch on products.run_id = batch.run_id
),

promoted as (
    select
        *,
        case when json_valid(teasers) then teasers ->> '$[*].kind' end as promotion_kinds
    from priced
)

select
    * exclude (said_list_price, teasers, promotion_kinds),
    -- A list price under the price, or many times over it, is a mistake and not a discount.
    case when said_list_price between price and price * {{ var('list_price_ceiling') }} then said_list_price end
        as list_price,
    case
        when list_contains(promotion_kinds, 'multi_buy') then 'multi_buy'
        when list_contains(promotion_kinds, 'club') then 'club'
        when len(promotion_kinds) > 0 then 'other'
    end as promotion_kind,
    case
        when list_contains(promotion_kinds, 'multi_buy') then try_cast(
            teasers ->> ('$[' || list_position(promotion_kinds, 'multi_buy') - 1 || '].minimum_quantity') as integer
        )
    end as promotion_minimum_quantity
from promoted
