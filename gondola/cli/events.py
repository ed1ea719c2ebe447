"""The events system at the terminal: run it, and say what came of it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gondola.cli.display import console, rows_table, status_text
from gondola.logs import configure_logs
from gondola.settings import get_settings

if TYPE_CHECKING:
    from tasks.event_report import EventsReport

__all__ = ["print_events_report", "run_events"]

_MOST_FILES = 50


def run_events(source: str | None, business_date: date | None, *, build: bool = True) -> EventsReport:
    """Run the events flow in this process.

    Args:
        source: Where the files are; the setting's when None.
        business_date: The day the run is recorded for; today when None.
        build: Whether models are built and published after the load.

    Raises:
        ConfigurationError: No source is named, or nothing can be read there.
    """
    configure_logs(get_settings())
    from flows.events import events

    state: Any = events(source, business_date, build=build, return_state=True)
    report: EventsReport | BaseException = state.result(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise report
    return report


def print_events_report(report: EventsReport) -> None:
    """Say what a run of events came to, a line for each new file."""
    new = [file for file in report.files if file.status != "duplicate"]
    rows = [
        (
            file.name,
            status_text(file.status),
            f"{file.rows:,}",
            f"{file.valid:,}",
            f"{file.rejected:,}",
            file.error or "",
        )
        for file in new[:_MOST_FILES]
    ]
    if rows:
        names = ("file", "status", "rows", "valid", "rejected", "why")
        console.print(rows_table(names, rows, title=f"Events run {report.run_id}"))
    if len(new) > _MOST_FILES:
        console.print(f"and {len(new) - _MOST_FILES} files more")
    console.print(escape(report.headline), highlight=False)
    if report.rejected:
        console.print(f"Refused rows, each with its reason: quarantine/events, run {report.run_id}", highlight=False)
    if report.build_error:
        console.print(f"[red]models[/] {escape(report.build_error)}", highlight=False)
    console.print("Result:", status_text(report.final_status))
