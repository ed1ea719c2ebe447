"""Write the Excel workbook of the last days to the lake."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from gondola.serving.reports import Language
from gondola.settings import get_settings
from tasks.logs import lines_in_run_log
from tasks.workbook import WorkbookReport, publish_workbook

__all__ = ["report"]


def _run_name() -> str:
    return f"report-{flow_run.get_parameters()['days']}-days"


@flow(name="report", flow_run_name=_run_name, persist_result=False)
def report(days: int = 7, language: Language = Language.PORTUGUESE) -> WorkbookReport:
    """Make the workbook from the published copy and put it under `reports/market/` on the lake.

    Args:
        days: Days it looks at, up to the newest.
        language: `pt` or `en`.

    Raises:
        LakeKeyError: Nothing was published yet.
    """
    with lines_in_run_log():
        return publish_workbook(get_settings(), days, language)
