"""The quality gate, and the daily look at what is published: checks, their records, and the page people read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from loguru import logger
from prefect import task
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.runtime import flow_run

from gondola import clock
from gondola.clock import next_start, today
from gondola.errors import ConfigurationError, QualityGateError
from gondola.quality import (
    CheckResult,
    Thresholds,
    judge_market,
    judge_physical_product,
    load_thresholds,
    refusals,
    render_report,
)
from gondola.settings import Settings
from storage.lake import Lake
from storage.layout import Report, make_run_id
from storage.publish import open_built, open_published
from storage.records import QualityRecord, RecordWriter, RunRecord, put_run
from tasks.retries import STEP
from tasks.transform import TRANSFORM, TransformReport

__all__ = ["JUDGED", "QualityReport", "judge_build", "judge_published"]

SYSTEM = "quality"
_MOST_NAMED = 5

_Judge = Callable[[duckdb.DuckDBPyConnection, Thresholds, datetime, bool], list[CheckResult]]
_JUDGES: dict[str, _Judge] = {
    "market": lambda connection, thresholds, now, gate: judge_market(connection, thresholds.market, now=now, gate=gate),
    "physical_product": lambda connection, thresholds, now, gate: judge_physical_product(
        connection, thresholds.physical_product, now=now, gate=gate
    ),
}
JUDGED = tuple(_JUDGES)


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What the checks came to, and where the page about it is."""

    run_id: str
    report_key: str
    results: tuple[CheckResult, ...]
    accepted: str | None = None  # why a person took it as it is

    @property
    def attributes(self) -> dict[str, Any]:
        """What a transform's record keeps of its gate; what was accepted is what later builds are compared with."""
        told: dict[str, Any] = {"report": self.report_key}
        if self.accepted and self.refused:
            results = [
                {"check_name": one.name, "subject": one.subject, "day": one.day} for one in refusals(self.results)
            ]
            told["accepted"] = {"reason": self.accepted, "results": results, "failures": list(self.refused)}
        return told

    @property
    def refused(self) -> tuple[str, ...]:
        """What stops a publish, a line for each."""
        return tuple(str(result) for result in refusals(self.results))

    @property
    def warned(self) -> list[dict[str, str]]:
        """What is only said: each check by its name, with its words."""
        return [{"check": one.name, "text": str(one)} for one in self.results if not one.passed and not one.refuses]

    @property
    def status(self) -> str:
        """`complete` or `failed`."""
        return "failed" if self.refused else "complete"


@task(task_run_name="quality gate", tags=["quality"], **STEP)
def judge_build(
    settings: Settings, systems: Sequence[str], built: TransformReport, *, run_id: str, accept: str | None = None
) -> QualityReport:
    """Judge a build before readers see it, and write down what was found.

    Args:
        settings: Name the lake, the warehouse and the thresholds file.
        systems: What was built.
        built: What dbt's tests came to.
        run_id: The transform.
        accept: Why a person who looked takes the build as it is; None when nobody did.

    Raises:
        QualityGateError: A check failed, and nobody accepts it; what was published before stays.
        ConfigurationError: The thresholds file can't be used.
    """
    if accept is not None and not accept.strip():
        message = "--accept-quality wants a reason: it is recorded with what it publishes"
        raise ConfigurationError(message)
    thresholds, now = load_thresholds(settings.quality_file), clock.now()
    lake = Lake.open(settings.lake)
    with open_built(
        settings.warehouse,
        lake_uri=lake.uri,
        threads=settings.transform_threads,
        memory=settings.transform_memory,
    ) as connection:
        results = _judge(connection, systems, thresholds, now, gate=True)
    tests = CheckResult(
        name="dbt_tests",
        subject="systems=" + ",".join(systems),
        passed=not built.failed,
        severity="error",
        expected="every model and test is green",
        actual=f"{built.passed} green, {built.warned} warned, {built.failed} failed",
    )
    report = _write_down(settings, [tests, *results], system=TRANSFORM, run_id=run_id, now=now, accept=accept)
    if report.refused and not report.accepted:
        raise QualityGateError(_refusal(lake, report), report.refused)
    return report


@task(task_run_name="quality of what is published", tags=["quality"], **STEP)
def judge_published(settings: Settings, systems: Sequence[str]) -> QualityReport:
    """Run the same checks on what readers see, write down what was found, and change nothing else.

    Args:
        settings: Name the lake, the warehouse and the thresholds file.
        systems: What is judged.

    Raises:
        LakeKeyError: Nothing was published yet.
        ConfigurationError: The thresholds file can't be used.
    """
    thresholds, now = load_thresholds(settings.quality_file), clock.now()
    started_at = next_start(SYSTEM, *systems)
    run_id = make_run_id(SYSTEM, *systems, started_at=started_at)
    lake = Lake.open(settings.lake)
    with open_published(settings.warehouse, lake_uri=lake.uri) as connection:
        results = _judge(connection, systems, thresholds, now, gate=False)
    report = _write_down(settings, results, system=SYSTEM, run_id=run_id, now=now)
    record = RunRecord(
        run_id=run_id,
        system=SYSTEM,
        scope="systems=" + ",".join(systems),
        business_date=today(),
        started_at=started_at,
        finished_at=max(clock.now(), started_at),
        status=report.status,
        error=report.refused[0] if report.refused else None,
        flow_run_id=flow_run.get_id(),
        attributes=json.dumps(
            {"failures": list(report.refused), "warnings": report.warned, "report": report.report_key},
            ensure_ascii=False,
        ),
    )
    put_run(lake, record)
    return report


def _judge(
    connection: duckdb.DuckDBPyConnection,
    systems: Sequence[str],
    thresholds: Thresholds,
    now: datetime,
    *,
    gate: bool,
) -> list[CheckResult]:
    query = "select schema_name from information_schema.schemata where catalog_name = current_database()"
    built = {name for (name,) in connection.execute(query).fetchall()}
    judges = [_JUDGES[system] for system in systems if system in _JUDGES and system in built]
    return [result for judge in judges for result in judge(connection, thresholds, now, gate)]


def _write_down(
    settings: Settings,
    results: Sequence[CheckResult],
    *,
    system: str,
    run_id: str,
    now: datetime,
    accept: str | None = None,
) -> QualityReport:
    """Leave records, the page on the lake, and the artifacts; the run's own record comes later and commits them."""
    lake = Lake.open(settings.lake)
    report = QualityReport(run_id, Report("quality", run_id).key, tuple(results), accept)
    with RecordWriter(lake, system, run_id, settings.spool) as records:
        for result in results:
            records.add(
                QualityRecord(
                    check_name=result.name,
                    subject=result.subject,
                    passed=result.passed,
                    expected=result.expected,
                    actual=result.actual,
                    severity=result.severity,
                )
            )
        records.commit()
    verdict = _verdict(report)
    title = "Quality gate" if system == TRANSFORM else "Quality of what is published"
    page = render_report(results, title=title, verdict=verdict, run_id=run_id, made_at=now)
    lake.put(report.report_key, page.encode())
    for result in results:
        if not result.passed:
            logger.log("ERROR" if result.refuses else "WARNING", "{}", result)
    create_table_artifact(
        key="quality-gate" if system == TRANSFORM else "quality-published",
        description=f"{verdict}\n\nThe page with examples: {lake.url(report.report_key)}",
        table=[
            {
                "result": "passed" if result.passed else result.severity,
                "check": result.name,
                "subject": result.subject,
                "found": result.actual,
                "expected": result.expected,
            }
            for result in sorted(results, key=lambda result: (result.passed, result.severity != "error"))
        ],
    )
    url = lake.url(report.report_key)
    create_link_artifact(
        key="quality-report",
        link=Path(url).as_uri() if lake.is_local else url,
        link_text=f"{title}: {verdict}"[:200],
        description=verdict,
    )
    return report


def _verdict(report: QualityReport) -> str:
    failed = report.refused
    if not failed:
        return f"{sum(result.passed for result in report.results)} of {len(report.results)} results passed, no error"
    head = f"{len(failed)} of {len(report.results)} results are errors"
    return f"{head}; accepted: {report.accepted}" if report.accepted else head


def _refusal(lake: Lake, report: QualityReport) -> str:
    named = "; ".join(report.refused[:_MOST_NAMED])
    more = f"; and {len(report.refused) - _MOST_NAMED} more" if len(report.refused) > _MOST_NAMED else ""
    return (
        f"the quality gate withholds this build, readers keep the last published copy: {named}{more}. "
        f"See {lake.url(report.report_key)}. If it is true, publish it with: "
        'gondola transform --accept-quality "why"; if not, the next good day is published by itself'
    )
