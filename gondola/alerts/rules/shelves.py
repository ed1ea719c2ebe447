"""Rules about what store-regions bring in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from gondola.alerts.facts import WINDOW_DAYS, Facts, StoreRegion, attributes
from gondola.alerts.policy import ProductCountRule, StaleStoreRule, SuccessRateRule
from gondola.alerts.rules.verdict import Bench, Verdict, exact, grouped, place_of, short
from storage.records import RunRecord

__all__ = ["product_count", "stale_store", "success_rate"]

_MOST_NAMED = 3
_NEVER = datetime.min.replace(tzinfo=UTC)


def stale_store(facts: Facts, policy: StaleStoreRule) -> Verdict:
    """A store-region has had no complete run."""
    bench = Bench(
        "stale_store",
        policy.severity,
        "gondola status shows the reason of the last try; gondola stores probe --store STORE shows whether the store "
        "answers. Then: gondola run market --store STORE.",
    )
    limit = timedelta(hours=policy.hours, minutes=policy.grace_minutes)
    watched = _watched(facts, policy)
    runs = _runs_by_scope(facts)
    shared = _shared_prices(facts)
    for place in watched:
        own = runs.get(place.scope, [])
        name = f"{place.store}/{place.region}"
        if place.scope in facts.not_served or shared.get(place.scope, _NEVER) > _newest(own):
            bench.well.add(name)  # nothing to crawl, or crawled under the region whose prices it shares
            continue
        complete = [run for run in own if run.status == "complete"]
        last = max((run.finished_at for run in complete), default=None)
        known = min([facts.known_since.get(place.scope, facts.now), *(run.started_at for run in own)])
        base = last or max(known, facts.now - timedelta(days=WINDOW_DAYS))
        if facts.now - base <= limit:
            bench.well.add(name)
            continue
        what = f"{name}: {'last complete run' if last else 'no complete run on record since'} {base:%Y-%m-%d %H:%M} UTC"
        if own and own[0].status != "complete":
            what += f"; last try {own[0].status}: {short(own[0].error) or 'no reason given'}"
        elif not own:
            what += "; no try in the last days"
        link = facts.link(own[0].flow_run_id) if own else None
        bench.wrong(name, base + limit, what, link=link)
    return bench.verdict(f"{place.store}/{place.region}" for place in watched)


def success_rate(facts: Facts, policy: SuccessRateRule) -> Verdict:
    """Too many runs of a system are not complete."""
    bench = Bench(
        "success_rate",
        policy.severity,
        "gondola status shows which parts fail and why; a store that refuses (429, 503) wants fewer "
        "requests_per_second.",
    )
    first = facts.now - timedelta(days=policy.days)
    for system in policy.systems:
        of_system = [run for run in facts.runs if run.system == system and run.started_at >= first]
        runs = [run for run in of_system if policy.watches(_store_of(run))]
        if len(runs) < policy.min_runs:
            continue
        bad = [run for run in runs if run.status != "complete"]
        if Fraction(len(runs) - len(bad), len(runs)) >= exact(policy.share):
            bench.well.add(system)
            continue
        worst = sorted(grouped(bad, lambda run: run.scope).items(), key=lambda item: (-len(item[1]), item[0]))
        named = ", ".join(f"{place_of(scope)} ({len(of_scope)})" for scope, of_scope in worst[:_MOST_NAMED])
        rate = (len(runs) - len(bad)) / len(runs)
        what = f"{system}: {rate:.1%} of {len(runs)} runs in {policy.days} days were complete; most not: {named}"
        bench.wrong(system, min(run.finished_at for run in bad), what)
    return bench.verdict(policy.systems)


def product_count(facts: Facts, policy: ProductCountRule) -> Verdict:
    """A complete run has far fewer products than those before it."""
    bench = Bench(
        "product_count",
        policy.severity,
        "Look at the store's site. If it shows as many products as before, its API hides some: gondola stores probe "
        "--store STORE. If the shelf did shrink, nothing: the mean follows.",
    )
    watched = _watched(facts, policy)
    runs = _runs_by_scope(facts)
    for place in watched:
        # One run a day, as in the warehouse: crawling a bad day again does not make it normal.
        days: dict[date, RunRecord] = {}
        for run in runs.get(place.scope, []):
            if run.status == "complete":
                days.setdefault(run.business_date, run)
        ordered = [days[day] for day in sorted(days, reverse=True)]
        last, before = ordered[:1], ordered[1 : policy.runs + 1]
        if len(before) < policy.min_runs or not last:
            continue
        name = f"{place.store}/{place.region}"
        mean = Fraction(sum(run.received_rows for run in before), len(before))
        if last[0].received_rows >= exact(policy.share) * mean:
            bench.well.add(name)
            continue
        what = (
            f"{name}: {last[0].received_rows:,} products on {last[0].business_date}, "
            f"{float(last[0].received_rows / mean):.0%} of the mean of {len(before)} runs before ({float(mean):,.0f})"
        )
        bench.wrong(name, last[0].finished_at, what, link=facts.link(last[0].flow_run_id))
    return bench.verdict(f"{place.store}/{place.region}" for place in watched)


def _watched(facts: Facts, policy: StaleStoreRule | ProductCountRule) -> list[StoreRegion]:
    return [place for place in facts.regions if policy.watches(place.store)]


def _runs_by_scope(facts: Facts) -> dict[str, list[RunRecord]]:
    """The market's runs of each store-region, the newest first."""
    runs = sorted((r for r in facts.runs if r.system == "market"), key=lambda run: run.finished_at, reverse=True)
    return grouped(runs, lambda run: run.scope)


def _newest(runs: list[RunRecord]) -> datetime:
    return runs[0].finished_at if runs else _NEVER


def _shared_prices(facts: Facts) -> dict[str, datetime]:
    """Regions that were crawled under another one, as they have its prices: when that was last so."""
    found: dict[str, datetime] = {}
    for run in facts.runs:
        if run.system == "market" and (store := _store_of(run)):
            for region in attributes(run).get("aliases") or ():
                scope = StoreRegion(store, str(region)).scope
                found[scope] = max(run.finished_at, found.get(scope, run.finished_at))
    return found


def _store_of(run: RunRecord) -> str | None:
    first = run.scope.partition("/")[0]
    return first.removeprefix("supermarket=") if first.startswith("supermarket=") else None
