"""Load a maker's eight CSV files, build their models, publish: the whole pipeline of the physical product system."""

from __future__ import annotations

from datetime import date

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.transform import transform
from gondola.clock import today
from gondola.settings import get_settings
from tasks.logs import lines_in_run_log
from tasks.physical_product import final_state, load_files
from tasks.physical_product_report import PhysicalProductReport

__all__ = ["physical_product"]


def _run_name() -> str:
    return f"physical-product-{flow_run.get_parameters().get('business_date') or today()}"


@flow(name="physical-product", flow_run_name=_run_name, persist_result=False)
def physical_product(
    source: str | None = None, business_date: date | None = None, *, build: bool = True
) -> State[PhysicalProductReport]:
    """Load what is new of a source, then build and publish the models.

    Args:
        source: A folder, `s3://…`, `az://…`, or one file; `GONDOLA_PHYSICAL_PRODUCT_SOURCE` when not given.
        business_date: The day the run is recorded for; today in São Paulo when not given.
        build: Whether models are built and published after the load.

    Returns:
        `Complete`, `Partial` or `Failed`, with the report as its data.
    """
    settings = get_settings()
    with lines_in_run_log():
        report = load_files(settings, source, business_date)
        # Also when nothing is new: a run that was killed after its files landed has built nothing.
        if build and report.status != "failed":
            built = transform(["physical_product"], return_state=True)
            report = report.built(built.result(raise_on_failure=False))
        return final_state(report)
