"""Rules about what is made of the data, and where it is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gondola.alerts.facts import Facts, attributes
from gondola.alerts.policy import BuildFailedRule, ChecksFailedRule, GateTrippedRule, StorageRule
from gondola.alerts.rules.verdict import Bench, Verdict, grouped, leading, place_of, short
from storage.records import RunRecord

__all__ = ["build_failed", "checks_failed", "gate_tripped", "storage"]

_MOST_NAMED = 3
_GB = 1e9


def build_failed(facts: Facts, policy: BuildFailedRule) -> Verdict:
    """A dbt model or test failed, or the publish did."""
    bench = Bench(
        "build_failed",
        policy.severity,
        "Readers keep the last published copy. Read the named node, mend it, then: gondola transform.",
    )
    return _transforms(facts, bench, lambda stage: stage != "gate", "dbt or publish failed")


def gate_tripped(facts: Facts, policy: GateTrippedRule) -> Verdict:
    """The quality gate kept a build from its readers."""
    bench = Bench(
        "gate_tripped",
        policy.severity,
        "Readers keep the last published copy. Look at the named checks (docs/quality.md says how to let a true "
        "change through), then: gondola transform.",
    )
    return _transforms(facts, bench, lambda stage: stage == "gate", "the quality gate stopped the publish")


def checks_failed(facts: Facts, policy: ChecksFailedRule) -> Verdict:
    """The last look at what is published found errors, or warnings that are to be told."""
    bench = Bench(
        "checks_failed",
        policy.severity,
        "Read the report that the run links to (gondola quality writes it anew); docs/quality.md says what each check "
        "is for.",
    )
    runs = [run for run in facts.runs if run.system == "quality"]
    for name, of_scope in grouped(runs, lambda run: place_of(run.scope)).items():
        of_scope.sort(key=lambda run: run.finished_at, reverse=True)
        reasons = _found(of_scope[0], policy)
        if reasons:
            streak = leading(of_scope, lambda run: bool(_found(run, policy)))
            bench.wrong(
                name, streak[-1].finished_at, f"{name}: {_named(reasons)}", link=facts.link(of_scope[0].flow_run_id)
            )
        else:
            bench.well.add(name)
    return bench.verdict(None)


def storage(facts: Facts, policy: StorageRule) -> Verdict:
    """The disk is nearly full, or the lake over its budget."""
    bench = Bench(
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


def _transforms(facts: Facts, bench: Bench, blames: Callable[[str], bool], words: str) -> Verdict:
    """Judge the last transform of each scope by the stage it stopped at."""
    runs = [run for run in facts.runs if run.system == "transform"]
    for name, of_scope in grouped(runs, lambda run: place_of(run.scope)).items():
        of_scope.sort(key=lambda run: run.finished_at, reverse=True)
        last = of_scope[0]
        stage = _stage(last)
        if last.status != "failed":
            bench.well.add(name)
        elif blames(stage):
            streak = leading(of_scope, lambda run: run.status == "failed" and blames(_stage(run)))
            reasons = attributes(last).get("failures") or [last.error or "no reason given"]
            what = f"{name}: {words}: {_named(reasons)}"
            bench.wrong(name, streak[-1].finished_at, what, link=facts.link(last.flow_run_id))
        elif stage != "build":
            bench.well.add(name)  # it came past this stage; a build that broke says nothing of the gate
    return bench.verdict(None)


def _found(run: RunRecord, policy: ChecksFailedRule) -> list[str]:
    """What a quality run has to say: its errors, and the warnings that somebody wants to hear of."""
    told = attributes(run)
    warnings = [one for one in told.get("warnings") or [] if isinstance(one, dict)]
    found = [str(one.get("text")) for one in warnings if one.get("check") in policy.warnings]
    return [*map(str, told.get("failures") or []), *found]


def _named(reasons: Sequence[object]) -> str:
    more = f"; and {len(reasons) - _MOST_NAMED} more" if len(reasons) > _MOST_NAMED else ""
    return "; ".join(short(str(reason)) for reason in reasons[:_MOST_NAMED]) + more


def _stage(run: RunRecord) -> str:
    return str(attributes(run).get("stage", "build"))
