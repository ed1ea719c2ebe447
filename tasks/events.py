"""The events system's step: read what is new of a source, land it; and what people read of it in the UI."""

from __future__ import annotations

from datetime import date

from loguru import logger
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from gondola import clock
from gondola.clock import next_start, today
from gondola.errors import ConfigurationError, GondolaError
from gondola.settings import Settings
from storage.lake import Lake
from storage.parquet import clean_spool
from tasks.event_files import open_source
from tasks.event_landing import SYSTEM, Landing, Loaded, put_failed_run
from tasks.event_report import EventsReport
from tasks.retries import STEP

__all__ = ["final_state", "load_events"]


@task(task_run_name="load events", tags=["events"], **STEP)
def load_events(settings: Settings, source: str | None = None, business_date: date | None = None) -> EventsReport:
    """Read every file of a source that no earlier run has loaded, and land its rows.

    Args:
        settings: Name the lake, and the source where none is given.
        source: A folder, `s3://…`, `az://…`, or one file.
        business_date: The day the run is recorded for; today by default. Events go to their own days.

    Returns:
        The run's report: complete, partial (files that could not be read, or not to their end, are named), or failed.

    Raises:
        ConfigurationError: No source is named, or nothing can be read there.
        LakeUnavailableError: The lake or the source does not answer.
    """
    day = business_date or today()
    uri = source or settings.events_source
    if not uri:
        message = "no source of events is named: use --source URI, or set GONDOLA_EVENTS_SOURCE"
        raise ConfigurationError(message)
    lake = Lake.open(settings.lake)
    clean_spool(settings.spool)  # what killed runs left
    started_at = next_start(SYSTEM)
    try:
        found = open_source(uri)
    except GondolaError as error:
        put_failed_run(lake, day, error, started_at=started_at, flow_run_id=flow_run.get_id())
        raise
    loaded = Loaded.read(lake, clock.now())
    with Landing(lake, settings, started_at=started_at, loaded=loaded) as landing:
        for file in found.files:
            landing.load(found, file)
        report = landing.commit(found, day, flow_run_id=flow_run.get_id())
    logger.log("INFO" if report.status == "complete" else "WARNING", "events: {}", report.headline)
    return report


def final_state(report: EventsReport) -> State[EventsReport]:
    """Write the artifact people read, and say in the flow's state how it went."""
    create_markdown_artifact(key="events-run", markdown=_markdown(report), description=report.headline)
    if report.final_status == "failed":
        return Failed(name="Failed", message=report.build_error or report.headline, data=report)
    return Completed(name=report.final_status.capitalize(), message=report.headline, data=report)


def _markdown(report: EventsReport) -> str:
    lines = [
        f"# Events run {report.run_id}: {report.final_status}",
        "",
        report.headline,
        "",
        "| file | status | rows | valid | rejected | why |",
        "|---|---|--:|--:|--:|---|",
    ]
    for file in report.files:
        why = file.error or (f"loaded by {file.duplicate_of}" if file.duplicate_of else "")
        lines.append(
            f"| {file.name} | {file.status} | {file.rows:,} | {file.valid:,} | {file.rejected:,} | "
            f"{why.replace('|', chr(92) + '|')} |"
        )
    if report.build_error:
        lines += ["", f"Models: {report.build_error}"]
    return "\n".join(lines)
