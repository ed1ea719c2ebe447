"""The Excel report as a step of a flow: written locally, then put on the lake whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.runtime import flow_run

from gondola import clock
from gondola.clock import next_start, today
from gondola.serving.reads import PublishedCopies
from gondola.serving.reports import Language, write_report
from gondola.settings import Settings
from storage.lake import Lake
from storage.layout import Report, make_run_id
from storage.records import RunRecord, put_run
from tasks.retries import STEP

__all__ = ["WorkbookReport", "publish_workbook"]

SYSTEM = "report"


@dataclass(frozen=True, slots=True)
class WorkbookReport:
    """Where the workbook is, and what it holds."""

    run_id: str
    key: str  # on the lake
    version: str  # the published copy it was made from
    rows: dict[str, int]


@task(task_run_name="workbook", tags=["report"], **STEP)
def publish_workbook(settings: Settings, days: int, language: Language) -> WorkbookReport:
    """Make the workbook of the last days from the published copy and put it on the lake.

    Args:
        settings: Name the lake, the warehouse and the spool.
        days: Days it looks at.
        language: Its language.

    Raises:
        LakeKeyError: Nothing was published yet.
        LakeUnavailableError: The lake does not answer.
    """
    started_at = next_start(SYSTEM, "market")
    run_id = make_run_id(SYSTEM, "market", started_at=started_at)
    key = Report("market", run_id, "xlsx").key
    lake = Lake.open(settings.lake)
    settings.spool.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=settings.spool) as folder,
        PublishedCopies(settings) as copies,
        copies.snapshot() as snapshot,
    ):
        made = write_report(snapshot, Path(folder) / "report.xlsx", days=days, language=language)
        lake.put_file(key, made.path)
        size = made.path.stat().st_size
    record = RunRecord(
        run_id=run_id,
        system=SYSTEM,
        scope="report=market",
        business_date=today(),
        started_at=started_at,
        finished_at=max(clock.now(), started_at),
        status="complete",
        written_rows=sum(made.rows.values()),
        flow_run_id=flow_run.get_id(),
        attributes=json.dumps({"report": key, "bytes": size, "version": made.version, "rows": made.rows}),
    )
    put_run(lake, record)
    url = lake.url(key)
    create_link_artifact(
        key="workbook",
        link=Path(url).as_uri() if lake.is_local else url,
        link_text=f"Excel report of {made.day}",
        description=", ".join(f"{name}: {count}" for name, count in made.rows.items()),
    )
    return WorkbookReport(run_id, key, made.version, made.rows)
