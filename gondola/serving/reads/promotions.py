"""Offers on the shelf, and each held against the lowest price of the 30 days before it.

The yardstick is that of the EU's Directive 98/6/EC, Art. 6a (and CJEU C-330/23, Aldi Süd): the percentage of a
reduction is reckoned from the lowest price of the 30 days before it was announced. Brazil has no such rule: it is a
measure, not a finding of law or an allegation of intent. Where a day of the thirty was not observed, the answer is
unknown.
"""

from __future__ import annotations

from datetime import date

from gondola.serving.reads.answers import Answer, Page, paged
from gondola.serving.reads.copies import Snapshot
from gondola.serving.reads.stores import LINKS, SHELVES, coverage, resolve_day, shelves

__all__ = ["VERDICTS", "promotions"]

VERDICTS = ("below", "not_below", "unknown")

# A span is an offer when it says that it was dearer, or carries a promotion. An offer begins where the chain of spans
# that are offers does: a step down within it is not measured against the step before.
_PROMOTIONS = f"""
with offers as (
    select * from market.fct_prices_daily
    where
        price_date = $day and is_available and {SHELVES}
        and (list_price > price or price_without_discount > price or promotion_kind is not null)
        and ($promotion::varchar is null or coalesce(promotion_kind, 'price') = $promotion)
        and ($department::varchar is null or department = $department)
),
spans as (
    select
        prices.supermarket, prices.region, prices.sku_id, prices.valid_from, prices.valid_to, prices.price,
        prices.is_available and (
            prices.list_price > prices.price or prices.price_without_discount > prices.price
            or prices.promotion_kind is not null
        ) is true as is_offer
    from market.tru_price as prices
    semi join offers
        on prices.supermarket = offers.supermarket and prices.region = offers.region and prices.sku_id = offers.sku_id
    where prices.valid_from <= $day
),
starts as (
    select
        supermarket, region, sku_id,
        coalesce(max(valid_to) filter (where not is_offer), min(valid_from)) as offer_since,
        min(valid_from) as first_seen_date
    from spans group by all
),
lowest as (
    select
        starts.supermarket, starts.region, starts.sku_id, starts.offer_since, starts.first_seen_date,
        min(spans.price) filter (
            where spans.valid_from < starts.offer_since
            and (spans.valid_to is null or spans.valid_to > starts.offer_since - 30)
        ) as lowest_price
    from starts inner join spans
        on starts.supermarket = spans.supermarket and starts.region = spans.region and starts.sku_id = spans.sku_id
    group by all
),
windows as (
    select distinct supermarket, region, offer_since from lowest
),
-- Only a complete run shows every price there was.
observed as (
    select windows.supermarket, windows.region, windows.offer_since, count(runs.price_date) as days
    from windows left join market.fct_runs as runs
        on windows.supermarket = runs.supermarket and windows.region = runs.region and runs.is_day_winner
        and runs.status = 'complete' and runs.price_date >= windows.offer_since - 30
        and runs.price_date < windows.offer_since
    group by all
),
judged as (
    select
        offers.supermarket, offers.region, offers.sku_id, offers.product_name, offers.brand, offers.department,
        offers.gtin, offers.price, greatest(offers.list_price, offers.price_without_discount) as reference_price,
        coalesce(offers.promotion_kind, 'price') as promotion, offers.promotion_minimum_quantity,
        offers.price_valid_until, lowest.offer_since, lowest.lowest_price, observed.days as days_observed,
        lowest.first_seen_date,
        observed.days = 30 and lowest.first_seen_date <= lowest.offer_since - 30 and lowest.lowest_price is not null
            as is_known
    from offers
    inner join lowest
        on offers.supermarket = lowest.supermarket and offers.region = lowest.region and offers.sku_id = lowest.sku_id
    inner join observed
        on lowest.supermarket = observed.supermarket and lowest.region = observed.region
        and lowest.offer_since = observed.offer_since
)
select
    judged.supermarket, region, judged.sku_id, judged.product_name, judged.brand, judged.department, judged.gtin,
    promotion, promotion_minimum_quantity, price, reference_price,
    cast(100 * (reference_price - price) / nullif(reference_price, 0) as decimal(9, 2)) as claimed_percent,
    offer_since, price_valid_until,
    case when is_known then lowest_price end as lowest_price_30_days,
    case when is_known then cast(100 * (lowest_price - price) / lowest_price as decimal(9, 2)) end
        as percent_below_lowest,
    days_observed,
    case when not is_known then 'unknown' when price < lowest_price then 'below' else 'not_below' end as verdict,
    case
        when is_known then null
        when judged.first_seen_date > offer_since - 30 then 'listed for less than 30 days before the offer'
        when days_observed < 30 then (30 - days_observed) || ' of the 30 days before the offer were not observed'
        else 'never for sale in the 30 days before the offer'
    end as unknown_because,
    links.link
from judged left join {LINKS} as links
    on judged.supermarket = links.supermarket and judged.sku_id = links.sku_id
where $verdict::varchar is null or verdict = $verdict
order by claimed_percent desc nulls last, judged.supermarket, region, judged.sku_id
"""


def promotions(
    snapshot: Snapshot,
    *,
    day: date | None = None,
    supermarket: str | None = None,
    region: str | None = None,
    department: str | None = None,
    promotion: str | None = None,
    verdict: str | None = None,
    page: Page | None = None,
) -> Answer:
    """What is on offer on a day, the biggest claimed reduction first.

    Args:
        snapshot: The version.
        day: The day; the newest by default.
        supermarket: One chain only.
        region: One region only.
        department: One department only, as the chain names it.
        promotion: One kind only: `price` (a reduced price alone), `multi_buy`, `club` or `other`.
        verdict: One of `VERDICTS` only.
        page: The part that is wanted; all by default.

    Returns:
        A row for each offer of a store-region. `claimed_percent` is what the store's own reference price says;
        `percent_below_lowest` is against the lowest price of the 30 days before `offer_since`, and `verdict` says
        whether the price is `below` it or `not_below`, or `unknown` with the reason. A multi-buy's price is that of
        one piece bought alone.

    Raises:
        UnknownNameError: There is no such store or region.
    """
    wanted = shelves(snapshot, supermarket, region)
    on = resolve_day(snapshot, day)
    question = wanted | {"day": on, "department": department, "promotion": promotion, "verdict": verdict}
    note = (
        "yardstick: the lowest price of the 30 days before an offer, as Directive 98/6/EC Art. 6a reckons it; "
        "a measure, not a legal finding"
    )
    return paged(snapshot, _PROMOTIONS, page, question, coverage=coverage(snapshot, on, **wanted), notes=(note,))
