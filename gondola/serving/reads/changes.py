"""What is different on the shelves between two days: prices, and what came and went."""

from __future__ import annotations

from datetime import date

from gondola.serving.reads.answers import Answer, Page, paged
from gondola.serving.reads.copies import Snapshot
from gondola.serving.reads.stores import LINKS, SHELVES, coverage, resolve_day, shelves

__all__ = ["KINDS", "between", "previous_day", "summary"]

KINDS = ("up", "down", "new", "gone", "sold_out", "back")

# New needs a complete run on the day before, gone one on the day after: a partial run is silent on what it lacks.
_CHANGES = f"""
with runs as (
    select
        supermarket, region, bool_or(price_date = $day) and bool_or(price_date = $since) as seen_twice,
        bool_or(price_date = $since and status = 'complete') as whole_before,
        bool_or(price_date = $day and status = 'complete') as whole_after
    from market.fct_runs
    where is_day_winner and price_date in ($since, $day) and {SHELVES}
    group by supermarket, region
),
before as (
    select * from market.fct_prices_daily where price_date = $since and {SHELVES}
),
after as (
    select * from market.fct_prices_daily where price_date = $day and {SHELVES}
),
pairs as (
    select
        coalesce(after.supermarket, before.supermarket) as supermarket,
        coalesce(after.region, before.region) as region,
        coalesce(after.sku_id, before.sku_id) as sku_id,
        coalesce(after.product_name, before.product_name) as product_name,
        coalesce(after.brand, before.brand) as brand,
        coalesce(after.department, before.department) as department,
        coalesce(after.gtin, before.gtin) as gtin,
        before.price as previous_price, after.price, before.list_price as previous_list_price, after.list_price,
        after.promotion_kind, before.sku_id is not null as was_listed, after.sku_id is not null as is_listed,
        coalesce(before.is_available, false) as was_available, coalesce(after.is_available, false) as is_available
    from before full join after
        on before.supermarket = after.supermarket and before.region = after.region and before.sku_id = after.sku_id
),
judged as (
    select
        case
            when not was_listed and is_listed and whole_before then 'new'
            when was_listed and not is_listed and whole_after then 'gone'
            when was_available and is_listed and not is_available then 'sold_out'
            when was_listed and not was_available and is_available then 'back'
            when price > previous_price then 'up'
            when price < previous_price then 'down'
        end as kind,
        pairs.*,
        cast(price - previous_price as decimal(18, 4)) as change_amount,
        cast(100 * (price - previous_price) / previous_price as decimal(18, 2)) as change_percent
    from pairs inner join runs
        on pairs.supermarket = runs.supermarket and pairs.region = runs.region and runs.seen_twice
)
"""
_ROWS = f"""{_CHANGES}
select judged.* exclude (was_listed, is_listed, was_available, is_available), links.link
from judged left join {LINKS} as links
    on judged.supermarket = links.supermarket and judged.sku_id = links.sku_id
where
    kind is not null and ($kind::varchar is null or kind = $kind)
    and ($department::varchar is null or judged.department = $department)
order by abs(change_percent) desc nulls last, kind, judged.supermarket, region, judged.sku_id
"""
_SUMMARY = f"""{_CHANGES}
select
    supermarket, region, count(*) filter (where kind = 'up') as up, count(*) filter (where kind = 'down') as down,
    count(*) filter (where kind = 'new') as new, count(*) filter (where kind = 'gone') as gone,
    count(*) filter (where kind = 'sold_out') as sold_out, count(*) filter (where kind = 'back') as back,
    count(*) filter (where previous_price is not null and price is not null) as compared,
    cast(100 * (exp(avg(ln(price::double / previous_price::double))) - 1) as decimal(9, 2)) as mean_change_percent
from judged group by supermarket, region order by supermarket, region
"""
_PREVIOUS = f"""
select max(price_date) as day from market.fct_runs where is_day_winner and price_date < $day and {SHELVES}
"""


def previous_day(
    snapshot: Snapshot, day: date, *, supermarket: str | None = None, region: str | None = None
) -> date | None:
    """The last day before a day on which any of the store-regions was seen; None when there is none.

    Args:
        snapshot: The version.
        day: The day.
        supermarket: One chain only.
        region: One region only.
    """
    found: date | None = snapshot.rows(_PREVIOUS, day=day, supermarket=supermarket, region=region)[0]["day"]
    return found


def between(
    snapshot: Snapshot,
    *,
    day: date | None = None,
    since: date | None = None,
    supermarket: str | None = None,
    region: str | None = None,
    department: str | None = None,
    kind: str | None = None,
    page: Page | None = None,
) -> Answer:
    """What differs between two days, the biggest moves first.

    Args:
        snapshot: The version.
        day: The later day; the newest by default.
        since: The earlier day; the last one with a run before it by default.
        supermarket: One chain only.
        region: One region only.
        department: One department only, as the chain names it.
        kind: One of `KINDS` only: a price that went up or down, a SKU that is new, gone, sold out or back.
        page: The part that is wanted; all by default.

    Returns:
        A row for each SKU of a store-region that was seen on both days. `new` and `gone` are said by complete runs
        only; a store-region that was not seen on one of the days says nothing, and is noted.

    Raises:
        UnknownNameError: There is no such store or region.
    """
    wanted, on, before = _days(snapshot, day, since, supermarket, region)
    question = wanted | {"day": on, "since": before, "kind": kind, "department": department}
    seen = coverage(snapshot, on, **wanted)
    return paged(snapshot, _ROWS, page, question, coverage=seen, notes=_notes(snapshot, on, before, wanted))


def summary(
    snapshot: Snapshot,
    *,
    day: date | None = None,
    since: date | None = None,
    supermarket: str | None = None,
    region: str | None = None,
) -> Answer:
    """How many SKUs changed in which way between two days, by store-region.

    Args:
        snapshot: The version.
        day: The later day; the newest by default.
        since: The earlier day; the last one with a run before it by default.
        supermarket: One chain only.
        region: One region only.

    Returns:
        A row for each store-region that was seen on both days; `mean_change_percent` is the geometric mean over all
        SKUs with a price on both, those that did not change included.
    """
    wanted, on, before = _days(snapshot, day, since, supermarket, region)
    rows = snapshot.table(_SUMMARY, day=on, since=before, **wanted)
    notes = _notes(snapshot, on, before, wanted)
    return Answer(rows, snapshot.version, coverage(snapshot, on, **wanted), notes=notes)


def _days(
    snapshot: Snapshot, day: date | None, since: date | None, supermarket: str | None, region: str | None
) -> tuple[dict[str, str | None], date, date]:
    wanted = shelves(snapshot, supermarket, region)
    on = resolve_day(snapshot, day)
    return wanted, on, since or previous_day(snapshot, on, **wanted) or date.min


def _notes(snapshot: Snapshot, day: date, since: date, wanted: dict[str, str | None]) -> tuple[str, ...]:
    if since == date.min:
        return ("no_day_before: there is no earlier day to compare with",)
    notes = [f"since: compared with {since}"]
    before = coverage(snapshot, since, **wanted)
    silent = sorted({*before.missing, *coverage(snapshot, day, **wanted).missing})
    if silent:
        notes.append(f"not_compared: not seen on both days: {', '.join(silent)}")
    return tuple(notes)
