"""Keep house: back up the warehouse, drop old backups and leftovers, say what the lake takes."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from gondola.settings import get_settings
from tasks.backup import backup_warehouse, prune_backups
from tasks.logs import lines_in_run_log
from tasks.maintenance import MaintenanceReport, clean_leftovers, record_maintenance, report_storage

__all__ = ["maintenance"]


@flow(name="maintenance", persist_result=False)
def maintenance() -> State[MaintenanceReport]:
    """Do each step whatever became of the others; the run is failed when one of them is.

    Returns:
        `Complete`, `Partial` (files are missing from the lake) or `Failed`, with the report as its data.
    """
    settings = get_settings()
    with lines_in_run_log():
        steps: dict[str, State[Any]] = {
            "backup": backup_warehouse(settings, return_state=True),
            "retention": prune_backups(settings, return_state=True),
            "leftovers": clean_leftovers(settings, return_state=True),
            "storage": report_storage(settings, return_state=True),
        }
        results = {name: state.result(raise_on_failure=False) for name, state in steps.items()}
        report = MaintenanceReport.of(results)
        record_maintenance(settings, report, flow_run.get_id())
    state = Failed if report.status == "failed" else Completed
    return state(name=report.status.capitalize(), message=report.error, data=report)
