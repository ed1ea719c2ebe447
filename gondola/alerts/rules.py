"""The rules: each looks at the facts and says what is wrong, what is well, and what it watches at all.

A subject that a rule can't judge is neither: no server, no record yet, too few runs. An open alert about it stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from gondola.alerts.facts import WINDOW_DAYS, Facts, FlowRun, StoreRegion, attributes
from gondola.alerts.policy import (
    BuildFailedRule,
    GateTrippedRule,
    ProductCountRule,
    Rules,
    RunFailedRule,
    RunLateRule,
    Severity,
    StaleStoreRule,
    StorageRule,
    SuccessRateRule,
)
from storage.records import RunRecord

__all__ = ["Finding", "Verdict", "judge"]

_LONGEST_REASON = 240
_MOST_REASONS = 3
_GB = 1e9
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    rule: str
    subject: str  # what it is about; rule and subject together name an alert
    severity: Severity
    since: datetime  # when it became wrong
    what: str
    todo: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says."""

    findings: tuple[Finding, ...] = ()
    well: frozenset[str] = frozenset()  # subjects it found nothing wrong with
    watched: frozenset[str] | None = None  # every subject there is; None when that can't be told
    skipped: str | None = None  # why it could not look at all


@dataclass(slots=True)
class _Bench:
    """Collects what one rule says."""

    rule: str
    severity: Severity
    todo: str
    findings: list[Finding] = field(default_factory=list)
    well: set[str] = field(default_factory=set)

    def wrong(self, subject: str, since: datetime, what: str, *, link: str | None = None) -> None:
        self.findings.append(
            Finding(
                rule=self.rule,
                subject=subject,
                severity=self.severity,
                since=since,
                what=what,
                todo=self.todo,
                link=link,
            )
        )

    def verdict(self, watched: Iterable[str] | None, *, skipped: str | None = None) -> Verdict:
        found = {finding.subject for finding in self.findings}
        every = None if watched is None else frozenset(watched) | found
        return Verdict(tuple(self.findings), frozenset(self.well - found), every, skipped)


def judge(facts: Facts, rules: Rules) -> dict[str, Verdict]:
    """Ask every rule.

    Args:
        facts: What they look at.
        rules: Which are on, and their thresholds.

    Returns:
        Their verdicts by name; a rule that is off watches nothing.
    """
    off = Verdict(watched=frozenset())
    return {name: _RULES[name](facts, policy) if policy.enabled else off for name, policy in rules.by_name().items()}


def run_failed(facts: Facts, policy: RunFailedRule) -> Verdict:
    """The last finished run of a deployment failed or crashed."""
    bench = _Bench(
        "run_failed",
        policy.severity,
        "Read the run's log behind the link. A crashed run is taken up again by itself; a failed one after you "
        "removed the cause: prefect deployment run NAME.",
    )
    if facts.prefect is None:
        return bench.verdict(None, skipped=facts.without_prefect)
    for deployment, runs in _grouped(facts.prefect.finished, lambda run: run.deployment).items():
        runs.sort(key=lambda run: run.ended_at or run.due_at, reverse=True)
        streak = _leading(runs, lambda run: run.state in {"FAILED", "CRASHED"})
        if not streak:
            bench.well.add(deployment)
            continue
        last, first = streak[0], streak[-1]
        times = f", {len(streak)} times in a row" if len(streak) > 1 else ""
        what = f"{deployment} {last.state.lower()}{times}: {_short(last.message) or 'no reason given'}"
        bench.wrong(deployment, first.ended_at or first.due_at, what, link=facts.link(last.run_id))
    return bench.verdict(facts.prefect.deployments)


def run_late(facts: Facts, policy: RunLateRule) -> Verdict:
    """A run was due and did not start."""
    bench = _Bench(
        "run_late",
        policy.severity,
        "See that a worker is running (prefect worker start --pool gondola) and that the pool and its queue are "
        "neither paused nor full.",
    )
    if facts.prefect is None:
        return bench.verdict(None, skipped=facts.without_prefect)
    bench.well |= facts.prefect.deployments
    late = [run for run in facts.prefect.waiting if facts.now - run.due_at > timedelta(minutes=policy.minutes)]
    for deployment, runs in _grouped(late, lambda run: run.deployment).items():
        first: FlowRun = min(runs, key=lambda run: run.due_at)
        more = f"; {len(runs)} runs are waiting" if len(runs) > 1 else ""
        # The age is left out: the text of an alert stays the same while nothing else happens.
        what = f"{deployment} was due at {first.due_at:%Y-%m-%d %H:%M} UTC and has not started{more}"
        bench.wrong(deployment, first.due_at, what, link=facts.link(first.run_id))
    return bench.verdict(facts.prefect.deployments)


def stale_store(facts: Facts, policy: StaleStoreRule) -> Verdict:
    """A store-region has had no complete run."""
    bench = _Bench(
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
            what += f"; last try {own[0].status}: {_short(own[0].error) or 'no reason given'}"
        elif not own:
            what += "; no try in the last days"
        link = facts.link(own[0].flow_run_id) if own else None
        bench.wrong(name, base + limit, what, link=link)
    return bench.verdict(f"{place.store}/{place.region}" for place in watched)


def success_rate(facts: Facts, policy: SuccessRateRule) -> Verdict:
    """Too many runs of a system are not complete."""
    bench = _Bench(
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
        if Fraction(len(runs) - len(bad), len(runs)) >= _exact(policy.share):
            bench.well.add(system)
            continue
        worst = sorted(_grouped(bad, lambda run: run.scope).items(), key=lambda item: (-len(item[1]), item[0]))
        named = ", ".join(f"{_place(scope)} ({len(of_scope)})" for scope, of_scope in worst[:_MOST_REASONS])
        rate = (len(runs) - len(bad)) / len(runs)
        what = f"{system}: {rate:.1%} of {len(runs)} runs in {policy.days} days were complete; most not: {named}"
        bench.wrong(system, min(run.finished_at for run in bad), what)
    return bench.verdict(policy.systems)


def product_count(facts: Facts, policy: ProductCountRule) -> Verdict:
    """A complete run has far fewer products than those before it."""
    bench = _Bench(
        "product_count",
        policy.severity,
        "Look at the store's site. If it shows as many products as before, its API hides some: gondola stores probe "
        "--store STORE. If the shelf did shrink, nothing: the mean follows.",
    )
    watched = _watched(facts, policy)
    runs = _runs_by_scope(facts)
    for place in watched:
        # One run a day, as in the warehouse: crawling a bad day again does not make it normal.
        days: dict[Any, RunRecord] = {}
        for run in runs.get(place.scope, []):
            if run.status == "complete":
                days.setdefault(run.business_date, run)
        ordered = [days[day] for day in sorted(days, reverse=True)]
        last, before = ordered[:1], ordered[1 : policy.runs + 1]
        if len(before) < policy.min_runs or not last:
            continue
        name = f"{place.store}/{place.region}"
        mean = Fraction(sum(run.received_rows for run in before), len(before))
        if last[0].received_rows >= _exact(policy.share) * mean:
            bench.well.add(name)
            continue
        what = (
            f"{name}: {last[0].received_rows:,} products on {last[0].business_date}, "
            f"{float(last[0].received_rows / mean):.0%} of the mean of {len(before)} runs before ({float(mean):,.0f})"
        )
        bench.wrong(name, last[0].finished_at, what, link=facts.link(last[0].flow_run_id))
    return bench.verdict(f"{place.store}/{place.region}" for place in watched)


def build_failed(facts: Facts, policy: BuildFailedRule) -> Verdict:
    """A dbt model or test failed, or the publish did."""
    bench = _Bench(
        "build_failed",
        policy.severity,
        "Readers keep the last published copy. Read the named node, mend it, then: gondola transform.",
    )
    return _transforms(facts, bench, lambda stage: stage != "gate", "dbt or publish failed")


def gate_tripped(facts: Facts, policy: GateTrippedRule) -> Verdict:
    """The quality gate kept a build from its readers."""
    bench = _Bench(
        "gate_tripped",
        policy.severity,
        "Readers keep the last published copy. Look at the named checks (docs/quality.md says how to let a true "
        "change through), then: gondola transform.",
    )
    return _transforms(facts, bench, lambda stage: stage == "gate", "the quality gate stopped the publish")


def storage(facts: Facts, policy: StorageRule) -> Verdict:
    """The disk is nearly full, or the lake over its budget."""
    bench = _Bench(
        "storage",
        policy.severity,
        "gondola lifecycle plan shows what can be moved or deleted; then enlarge the disk or the budget.",
    )
    budget = policy.budgets.get(facts.lake, policy.budgets.get("default"))
    watched = {"disk"} if budget is None else {"disk", "budget"}
    use = facts.storage
    if use is None:
        return bench.verdict(watched, skipped="no maintenance run has measured the storage")
    link = facts.link(use.flow_run_id)
    if use.disk_used_share is not None:
        bench.well.add("disk")
        if use.disk_used_share > policy.disk_share:
            what = f"the lake's disk is {use.disk_used_share:.1%} full, over {policy.disk_share:.0%}"
            bench.wrong("disk", use.measured_at, what, link=link)
    if use.total_bytes is not None and budget is not None:
        bench.well.add("budget")
        if use.total_bytes > budget:
            what = f"the lake takes {use.total_bytes / _GB:,.2f} GB, over its budget of {budget / _GB:,.2f} GB"
            bench.wrong("budget", use.measured_at, what, link=link)
    return bench.verdict(watched)


_RULES: dict[str, Callable[[Facts, Any], Verdict]] = {
    rule.__name__: rule
    for rule in (
        run_failed,
        run_late,
        stale_store,
        success_rate,
        product_count,
        build_failed,
        gate_tripped,
        storage,
    )
}


def _transforms(facts: Facts, bench: _Bench, blames: Callable[[str], bool], words: str) -> Verdict:
    """Judge the last transform of each scope by the stage it stopped at."""
    runs = [run for run in facts.runs if run.system == "transform"]
    for scope, of_scope in _grouped(runs, lambda run: run.scope).items():
        of_scope.sort(key=lambda run: run.finished_at, reverse=True)
        last = of_scope[0]
        stage = _stage(last)
        if last.status != "failed":
            bench.well.add(scope)
        elif blames(stage):
            streak = _leading(of_scope, lambda run: run.status == "failed" and blames(_stage(run)))
            reasons = attributes(last).get("failures") or [last.error or "no reason given"]
            more = f"; and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
            named = "; ".join(_short(str(reason)) for reason in reasons[:_MOST_REASONS])
            what = f"{_place(scope)}: {words}: {named}{more}"
            bench.wrong(scope, streak[-1].finished_at, what, link=facts.link(last.flow_run_id))
        elif stage != "build":
            bench.well.add(scope)  # it came past this stage; a build that broke says nothing of the gate
    return bench.verdict(None)


def _stage(run: RunRecord) -> str:
    return str(attributes(run).get("stage", "build"))


def _watched(facts: Facts, policy: StaleStoreRule | ProductCountRule) -> list[StoreRegion]:
    return [place for place in facts.regions if policy.watches(place.store)]


def _runs_by_scope(facts: Facts) -> dict[str, list[RunRecord]]:
    """The market's runs of each store-region, the newest first."""
    runs = sorted((r for r in facts.runs if r.system == "market"), key=lambda run: run.finished_at, reverse=True)
    return _grouped(runs, lambda run: run.scope)


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


def _place(scope: str) -> str:
    """A scope as people write it: `bistek/lages` of `supermarket=bistek/region=lages`."""
    return "/".join(part.rpartition("=")[2] for part in scope.split("/"))


def _grouped(items: Iterable[Any], key: Callable[[Any], str]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _leading(items: list[Any], holds: Callable[[Any], bool]) -> list[Any]:
    """The first items, up to the one for which it no longer holds."""
    for index, item in enumerate(items):
        if not holds(item):
            return items[:index]
    return items


def _exact(share: float) -> Fraction:
    # As it is written: 0.8 is four fifths, and exactly four fifths is not below it.
    return Fraction(str(share))


def _short(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= _LONGEST_REASON else line[: _LONGEST_REASON - 1] + "…"
