"""Rules about Prefect's runs of our deployments."""

from __future__ import annotations

from datetime import timedelta

from gondola.alerts.facts import Facts, FlowRun
from gondola.alerts.policy import RunFailedRule, RunLateRule
from gondola.alerts.rules.verdict import Bench, Verdict, grouped, leading, short

__all__ = ["run_failed", "run_late"]


def run_failed(facts: Facts, policy: RunFailedRule) -> Verdict:
    """The last finished run of a deployment failed or crashed."""
    bench = Bench(
        "run_failed",
        policy.severity,
        "Read the run's log behind the link. A crashed run is taken up again by itself; a failed one after you "
        "removed the cause: prefect deployment run NAME.",
    )
    if facts.prefect is None:
        return bench.verdict(None, skipped=facts.without_prefect)
    for deployment, runs in grouped(facts.prefect.finished, lambda run: run.deployment).items():
        runs.sort(key=lambda run: run.ended_at or run.due_at, reverse=True)
        streak = leading(runs, lambda run: run.state in {"FAILED", "CRASHED"})
        if not streak:
            bench.well.add(deployment)
            continue
        last, first = streak[0], streak[-1]
        times = f", {len(streak)} times in a row" if len(streak) > 1 else ""
        what = f"{deployment} {last.state.lower()}{times}: {short(last.message) or 'no reason given'}"
        bench.wrong(deployment, first.ended_at or first.due_at, what, link=facts.link(last.run_id))
    return bench.verdict(facts.prefect.deployments)


def run_late(facts: Facts, policy: RunLateRule) -> Verdict:
    """A run was due and did not start."""
    bench = Bench(
        "run_late",
        policy.severity,
        "See that a worker is running (prefect worker start --pool gondola) and that the pool and its queue are "
        "neither paused nor full.",
    )
    if facts.prefect is None:
        return bench.verdict(None, skipped=facts.without_prefect)
    bench.well |= facts.prefect.deployments
    late = [run for run in facts.prefect.waiting if facts.now - run.due_at > timedelta(minutes=policy.minutes)]
    for deployment, runs in grouped(late, lambda run: run.deployment).items():
        first: FlowRun = min(runs, key=lambda run: run.due_at)
        more = f"; {len(runs)} runs are waiting" if len(runs) > 1 else ""
        # The age is left out: the text of an alert stays the same while nothing else happens.
        what = f"{deployment} was due at {first.due_at:%Y-%m-%d %H:%M} UTC and has not started{more}"
        bench.wrong(deployment, first.due_at, what, link=facts.link(first.run_id))
    return bench.verdict(facts.prefect.deployments)
