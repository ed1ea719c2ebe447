"""Lifecycle's steps: find out what is due, compact a month, change tiers and delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from loguru import logger
from prefect import task
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact

from gondola import clock
from gondola.settings import Settings
from storage.compaction import Compacted, DueMonth, compact
from storage.lake import Lake
from storage.lifecycle import Held, Outcome, Plan, Step, apply, plan
from storage.policy import load_policy
from tasks.retries import STEP

__all__ = ["LifecycleReport", "apply_plan", "compact_month", "find_due", "make_plan", "report_table"]

_PROGRESS_EVERY = 50


@dataclass(frozen=True, slots=True)
class LifecycleReport:
    """What one run of the lifecycle came to."""

    compacted: tuple[Compacted, ...]
    done: tuple[Step, ...]
    held: tuple[Held, ...]
    failures: dict[str, str]  # month of a store-region -> reason

    @property
    def status(self) -> str:
        """`complete`, or `failed` when a month could not be compacted."""
        return "failed" if self.failures else "complete"

    def totals(self) -> list[dict[str, Any]]:
        """Files and bytes by rule and action, as in a plan."""
        rows = [
            {
                "rule": "bronze",
                "action": "compacted",
                "files": item.files,
                "bytes": item.bytes_before,
                "reason": item.name,
            }
            for item in self.compacted
        ]
        return rows + Plan(clock.now(), (), self.done, self.held).totals()

    def as_document(self) -> dict[str, Any]:
        """The report as JSON types."""
        return {"status": self.status, "totals": self.totals()} | asdict(self)


def make_plan(settings: Settings) -> Plan:
    """What the policy asks for now.

    Args:
        settings: Name the lake, the policy file and the folder of logs.
    """
    return plan(Lake.open(settings.lake), load_policy(settings.lifecycle_file), now=clock.now(), logs=_logs(settings))


@task(task_run_name="plan", tags=["lifecycle"], **STEP)
def find_due(settings: Settings) -> tuple[DueMonth, ...]:
    """The months of store-regions that are to be compacted now."""
    due = make_plan(settings).due
    logger.info("{} months of {} small files are to be compacted", len(due), sum(len(month.sources) for month in due))
    return due


@task(task_run_name="compact {due.name}", tags=["lifecycle"], **STEP)
def compact_month(settings: Settings, due: DueMonth) -> Compacted:
    """Make one file of bronze and one of silver out of a month's small files.

    Args:
        settings: Name the lake and the spool, and limit DuckDB.
        due: The month.
    """
    done = compact(
        Lake.open(settings.lake),
        due,
        now=clock.now(),
        spool=settings.spool,
        memory=settings.transform_memory,
        threads=settings.transform_threads,
    )
    logger.info(
        "{}: {} files, {:,} rows, {:.1f} MB became {:.1f} MB of bronze and {:.1f} MB of silver",
        done.name,
        done.files,
        done.rows,
        done.bytes_before / 1e6,
        done.bytes_bronze / 1e6,
        done.bytes_silver / 1e6,
    )
    return done


@task(task_run_name="apply", tags=["lifecycle"], **STEP)
def apply_plan(settings: Settings) -> Outcome:
    """Delete and move what is due now; what was withheld is in the answer, with its reason.

    Args:
        settings: Name the lake, the policy file and the folder of logs.
    """
    made = make_plan(settings)
    artifact: UUID = create_progress_artifact(progress=0.0, key="lifecycle-progress", description="Files done")  # type: ignore[assignment]

    def progress(done: int, total: int) -> None:
        if done % _PROGRESS_EVERY == 0 or done == total:
            update_progress_artifact(artifact, progress=100.0 * done / total)

    outcome = apply(Lake.open(settings.lake), made, logs=_logs(settings), progress=progress)
    return Outcome(outcome.done, (*made.held, *outcome.held))


def report_table(rows: Sequence[dict[str, Any]]) -> None:
    """Write the table that people read in the UI."""
    create_table_artifact(key="lifecycle", table=list(rows), description="What the lifecycle did, and what it withheld")


def _logs(settings: Settings) -> Lake:
    return Lake.open(str(settings.logs))
