"""The run record of a transform: how far it came, and why no further."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from loguru import logger
from prefect.runtime import flow_run

from gondola import clock
from gondola.clock import next_start, today
from gondola.errors import GondolaError, QualityGateError, TransformError
from gondola.settings import Settings
from storage.lake import Lake
from storage.layout import make_run_id
from storage.records import RunRecord, put_run
from tasks.quality import QualityReport
from tasks.transform import TRANSFORM, TransformReport

__all__ = ["TransformRun", "transform_run"]


@dataclass
class TransformRun:
    """A transform under way."""

    systems: tuple[str, ...]
    started_at: datetime
    stage: str = "build"  # build, gate or publish: where it is, and where it stopped when it failed
    attributes: dict[str, Any] = field(default_factory=dict)  # what else its record tells

    @property
    def run_id(self) -> str:
        """Its name, unique over all systems."""
        return make_run_id(TRANSFORM, *self.systems, started_at=self.started_at)

    def built(self, report: TransformReport) -> None:
        """The models are green; the gate comes next."""
        self.stage = "gate"
        self.attributes["dbt"] = {name: value for name, value in asdict(report).items() if name != "failures"}

    def judged(self, report: QualityReport) -> None:
        """The gate is open, or a person opened it; publishing comes next."""
        self.stage = "publish"
        self.attributes |= report.attributes


@contextmanager
def transform_run(settings: Settings, systems: Sequence[str]) -> Iterator[TransformRun]:
    """Leave a run record when the block ends, well or not; a killed process leaves none.

    Args:
        settings: Name the lake.
        systems: What is transformed.

    Raises:
        LakeUnavailableError: The block ended well, and the lake did not take the record.
    """
    run = TransformRun(tuple(systems), next_start(TRANSFORM, *systems))
    try:
        yield run
    except Exception as error:
        try:
            _put(settings, run, error)
        except GondolaError as second:  # the first error is the one to be seen
            logger.error("{}: no run record: {}", run.run_id, second)
        raise
    _put(settings, run, None)


def _put(settings: Settings, run: TransformRun, error: Exception | None) -> None:
    reason = None if error is None else str(error) or type(error).__name__
    failures: tuple[str, ...] = () if reason is None else (reason,)
    if isinstance(error, TransformError | QualityGateError) and error.failures:
        failures = error.failures
    record = RunRecord(
        run_id=run.run_id,
        system=TRANSFORM,
        scope="systems=" + ",".join(run.systems),
        business_date=today(),
        started_at=run.started_at,
        finished_at=max(clock.now(), run.started_at),
        status="failed" if failures else "complete",
        error=failures[0] if failures else None,
        flow_run_id=flow_run.get_id(),
        attributes=json.dumps(
            run.attributes | {"stage": run.stage, "failures": list(failures)}, ensure_ascii=False, default=str
        ),
    )
    put_run(Lake.open(settings.lake), record)
