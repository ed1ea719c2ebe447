"""Keep house: back up the warehouse, drop old backups, leftovers and runs, say what the lake takes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from gondola import clock
from gondola.settings import Settings, get_settings
from tasks.backup import backup_warehouse, prune_backups
from tasks.logs import lines_in_run_log
from tasks.maintenance import MaintenanceReport, clean_leftovers, record_maintenance, report_storage
from tasks.retention import delete_old_flow_runs

__all__ = ["maintenance"]


async def _forget_runs(settings: Settings) -> State[Any]:
    kept = timedelta(days=settings.prefect_retention_days)
    return await delete_old_flow_runs(kept, clock.now(), return_state=True)  # type: ignore[misc,no-any-return]


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
            "runs": asyncio.run(_forget_runs(settings)),
        }
        results = {name: state.result(raise_on_failure=False) for name, state in steps.items()}
        report = MaintenanceReport.of(results)
        record_maintenance(settings, report, flow_run.get_id())
    state = Failed if report.status == "failed" else Completed
    return state(name=report.status.capitalize(), message=report.error, data=report)
