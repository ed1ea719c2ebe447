"""dbt builds under Prefect: every model and test a task run, lineage as assets."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt_common.events.base_types import EventLevel
from loguru import logger
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings

from gondola.errors import TransformError
from gondola.settings import PROJECT_ROOT, Settings
from storage.backup import check_warehouse, damaged, is_damage
from tasks.targets import ALWAYS_BUILT, DUCKDB, check_target, target_environment

__all__ = ["ALWAYS_BUILT", "DBT_PROJECT", "TRANSFORM", "TransformReport", "build_models"]

TRANSFORM = "transform"  # the system of its run records

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
_NODE_RUNS_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class TransformReport:
    """What a dbt build came to."""

    passed: int
    failed: int
    skipped: int
    warned: int
    seconds: float
    failures: tuple[str, ...] = field(default=())


@task(task_run_name="dbt build", tags=["dbt"], cache_policy=NO_CACHE, persist_result=False)
def build_models(
    settings: Settings,
    systems: Sequence[str],
    *,
    full_refresh: bool = False,
    rebuild_days: Sequence[date] = (),
    accept_lost: bool = False,
) -> TransformReport:
    """Build and test the models of some systems on the settings' target, and of what they share where it is built.

    There is no timeout: dbt's threads can't be stopped from outside, so a timed-out task would leave them
    writing beside its own retry. Ending the process ends the build, and the next build repairs what it left.

    Args:
        settings: Name the target, the lake to read and the warehouse to build.
        systems: Names of systems, which are names of folders under `dbt_project/models`.
        full_refresh: Whether incremental models are built anew.
        rebuild_days: Days to build again although they were built.
        accept_lost: Whether a build of everything may leave out runs whose files are gone.

    Raises:
        ConfigurationError: There is no such target, or it does not build one of the systems.
        WarehouseDamagedError: The warehouse's file can't be read.
        TransformError: A model or test failed; the warehouse keeps what succeeded, readers keep the last
            published copy.
    """
    target = check_target(settings, systems)
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    target_path = settings.warehouse.parent / "dbt"
    if target.name == DUCKDB:
        check_warehouse(settings.warehouse)
    else:  # what dbt knows of its last parse holds for one target
        target_path = target_path.with_name(f"dbt-{target.name}")
    runner = PrefectDbtRunner(
        settings=PrefectDbtSettings(
            project_dir=DBT_PROJECT,
            profiles_dir=DBT_PROJECT,
            target_path=target_path,
            log_level=EventLevel.WARN,
        ),
        raise_on_failure=False,
    )
    command = ["build", "--target", target.name, "--select", *systems, *target.also]
    # Unit tests judge the SQL, not the data: they belong to the test suite.
    command += ["--exclude-resource-type", "unit_test"]
    if full_refresh:
        command.append("--full-refresh")
    variables = {"rebuild_days": [day.isoformat() for day in rebuild_days], "accept_lost_runs": accept_lost}
    if any(variables.values()):  # other variables than last time make dbt parse everything again
        command += ["--vars", json.dumps(variables)]
    try:
        with target_environment(settings, target):
            outcome = runner.invoke(command)
    except ValueError as error:  # how the runner says that dbt broke off
        if is_damage(str(error)):
            raise damaged(settings.warehouse, error) from error
        raise
    finally:
        _await_node_runs()
        # The adapter's last connection would hold the warehouse's lock for the life of this process.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if outcome.exception is not None:
        message = f"dbt could not start: {outcome.exception}"
        raise TransformError(message) from outcome.exception
    summary = _read_results(target_path / "run_results.json")
    logger.info(
        "dbt: {} passed, {} failed, {} skipped in {:.1f} s",
        summary.passed,
        summary.failed,
        summary.skipped,
        summary.seconds,
    )
    if summary.failed or not outcome.success:
        message = "dbt failed: " + ("; ".join(summary.failures) or "see the log")
        if is_damage(message):
            raise damaged(settings.warehouse, TransformError(message))
        raise TransformError(message, summary.failures)
    return summary


def _await_node_runs() -> None:
    """Wait for the threads in which the runner keeps each node's task run.

    The runner forgets them. One that says its last word while the interpreter ends takes the whole process
    down with it, after everything went well; on a slow machine that happens.
    """
    deadline = time.monotonic() + _NODE_RUNS_SECONDS
    for thread in threading.enumerate():
        if thread.name.endswith("(run_task)"):  # Python's name for a thread without one: that of its target
            thread.join(timeout=max(0.0, deadline - time.monotonic()))


def _read_results(path: Path) -> TransformReport:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    results = document["results"]
    states = Counter(result["status"] for result in results)
    create_table_artifact(
        key="dbt-build",
        description="Nodes of the dbt build",
        table=[
            {
                "node": result["unique_id"],
                "status": result["status"],
                "seconds": round(result["execution_time"], 2),
                "message": (result["message"] or "")[:500],
            }
            for result in sorted(results, key=lambda r: r["status"] in {"success", "pass"})
        ],
    )
    bad = {"error", "fail", "runtime error"}
    return TransformReport(
        passed=states["success"] + states["pass"],
        failed=sum(states[state] for state in bad),
        skipped=states["skipped"],
        warned=states["warn"],
        seconds=float(document["elapsed_time"]),
        failures=tuple(
            f"{result['unique_id']}: {' '.join((result['message'] or 'failed').split())[:300]}"
            for result in results
            if result["status"] in bad
        ),
    )
