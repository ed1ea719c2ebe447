"""Look whether anything is wrong, and tell those who can act on it."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from gondola.alerts.check import CheckReport
from gondola.settings import get_settings
from tasks.alerts import check_step
from tasks.logs import lines_in_run_log

__all__ = ["check_alerts"]


@flow(name="check-alerts", persist_result=False)
def check_alerts() -> State[CheckReport]:
    """Check every rule of the alerts file; tell each channel what opened and what is over.

    Returns:
        `Completed`, or `Undelivered` when a channel did not take its message, with the report as its data.
    """
    with lines_in_run_log():
        report = check_step(get_settings())
    if not report.checked:
        return Completed(message="another check is under way", data=report)
    head = f"{len(report.open)} open alerts, {len(report.opened)} opened, {len(report.closed)} over"
    if report.failed:
        return Completed(
            name="Undelivered", message=f"{head}; not delivered to {', '.join(report.failed)}", data=report
        )
    return Completed(message=head, data=report)
