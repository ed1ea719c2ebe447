"""Build models with dbt and publish them, without fetching anything."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow
from prefect.runtime import flow_run

from gondola.settings import get_settings
from tasks.jaffle_shop import catch_up
from tasks.logs import lines_in_run_log
from tasks.publish import publish_warehouse
from tasks.transform import TransformReport, build_models
from tasks.turn import warehouse_turn

__all__ = ["transform"]


def _run_name() -> str:
    return "transform-" + "-".join(flow_run.get_parameters()["systems"])


@flow(name="transform", flow_run_name=_run_name, persist_result=False)
def transform(systems: Sequence[str], *, full_refresh: bool = False) -> TransformReport:
    """Build and test the models of some systems; publish them when all is green.

    Args:
        systems: Names of systems, such as `market`.
        full_refresh: Whether incremental models are built anew from the lake.

    Raises:
        TransformError: A model or a test failed; what was published before stays.
        LakeUnavailableError: Another run holds the warehouse and does not end.
    """
    settings = get_settings()
    with lines_in_run_log(), warehouse_turn(settings):
        if "jaffle_shop" in systems:
            catch_up(settings)
        built = build_models(settings, systems, full_refresh=full_refresh)
        publish_warehouse(settings, [*systems, "shared"])
    return built
