"""Let the lake grow old well: compact closed months, change tiers, delete what silver covers."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from gondola.settings import get_settings
from storage.compaction import Compacted
from tasks.lifecycle import LifecycleReport, apply_plan, compact_month, find_due, report_table
from tasks.logs import lines_in_run_log

__all__ = ["lifecycle"]


@flow(name="lifecycle", persist_result=False)
def lifecycle() -> State[LifecycleReport]:
    """Do what the lifecycle policy asks for now.

    Returns:
        `Completed`, or `Failed` when a month could not be compacted; everything else is done all the same.
    """
    settings = get_settings()
    with lines_in_run_log():
        compacted: list[Compacted] = []
        failures: dict[str, str] = {}
        for due in find_due(settings):
            state = compact_month(settings, due, return_state=True)
            if state.is_completed():
                compacted.append(state.result())
            else:
                failures[due.name] = str(state.result(raise_on_failure=False))
        # Planned anew: the month files are there now.
        outcome = apply_plan(settings)
        report = LifecycleReport(tuple(compacted), outcome.done, outcome.held, failures)
        report_table(report.totals())
        head = f"{len(compacted)} months compacted, {len(outcome.done)} files done, {len(outcome.held)} withheld"
        if failures:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in failures.items())
            return Failed(message=f"{head}; not compacted: {reasons}", data=report)
        return Completed(message=head, data=report)
