"""Load event files, build the models of events, publish: the whole pipeline of the events system."""

from __future__ import annotations

from datetime import date

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.transform import transform
from gondola.clock import today
from gondola.settings import get_settings
from tasks.event_report import EventsReport
from tasks.events import final_state, load_events
from tasks.logs import lines_in_run_log

__all__ = ["events"]


def _run_name() -> str:
    return f"events-{flow_run.get_parameters().get('business_date') or today()}"


@flow(name="events", flow_run_name=_run_name, persist_result=False)
def events(source: str | None = None, business_date: date | None = None, *, build: bool = True) -> State[EventsReport]:
    """Load what is new of a source of event files, then build and publish the models.

    Args:
        source: A folder, `s3://…`, `az://…`, or one file; `GONDOLA_EVENTS_SOURCE` when not given.
        business_date: The day the run is recorded for; today in São Paulo when not given.
        build: Whether models are built and published after the load.

    Returns:
        `Complete`, `Partial` or `Failed`, with the report as its data.
    """
    settings = get_settings()
    with lines_in_run_log():
        report = load_events(settings, source, business_date)
        # Also when nothing is new: a run that was killed after its files landed has built nothing.
        if build and report.status != "failed":
            built = transform(["events"], return_state=True)
            report = report.built(built.result(raise_on_failure=False))
        return final_state(report)
