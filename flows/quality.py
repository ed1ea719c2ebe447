"""Judge what readers see, every day, and write down what was found; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from gondola.settings import get_settings
from tasks.logs import lines_in_run_log
from tasks.quality import QualityReport, judge_published

__all__ = ["quality"]


def _run_name() -> str:
    return "quality-" + "-".join(flow_run.get_parameters()["systems"])


@flow(name="quality", flow_run_name=_run_name, persist_result=False)
def quality(systems: Sequence[str] = ("market",)) -> State[QualityReport]:
    """Run the checks of the quality gate on the published copy.

    Args:
        systems: Names of systems, such as `market`.

    Returns:
        `Complete`, or `Failed` when a check of severity `error` failed, with the report as its data.
    """
    settings = get_settings()
    with lines_in_run_log():
        report = judge_published(settings, systems)
    if report.refused:
        return Failed(name="Failed", message="; ".join(report.refused), data=report)
    return Completed(name="Complete", message=f"{len(report.results)} results, no error", data=report)
