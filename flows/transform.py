"""Build models with dbt, judge what was built, publish it; without fetching anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from prefect import flow
from prefect.runtime import flow_run

from gondola.settings import Settings, get_settings
from tasks.jaffle_shop import catch_up
from tasks.logs import lines_in_run_log
from tasks.publish import publish_warehouse
from tasks.quality import judge_build
from tasks.retail_sales import load_star
from tasks.targets import DUCKDB, check_target
from tasks.transform import TransformReport, build_models
from tasks.transform_run import transform_run
from tasks.turn import warehouse_turn
from tasks.warehouses import load_warehouse

__all__ = ["transform"]


def _nothing_to_load(_settings: Settings) -> None:
    """Dbt reads the lake itself."""


def _load_other_engine(settings: Settings) -> None:
    """Only DuckDB reads the lake itself."""
    if settings.target != DUCKDB:
        load_warehouse(settings)


# What brings the warehouse up to the lake before models are built, where that is not dbt's own work.
LOADERS: Mapping[str, Callable[[Settings], object]] = MappingProxyType(
    {"jaffle_shop": catch_up, "retail_sales": load_star, "physical_product": _load_other_engine}
)


def _run_name() -> str:
    return "transform-" + "-".join(flow_run.get_parameters()["systems"])


@flow(name="transform", flow_run_name=_run_name, persist_result=False)
def transform(
    systems: Sequence[str],
    *,
    full_refresh: bool = False,
    rebuild_days: Sequence[date] = (),
    accept_lost: bool = False,
    accept_quality: str | None = None,
) -> TransformReport:
    """Build and test the models of some systems; publish them when all is green and believable.

    On a target other than DuckDB there is nothing to publish: readers see the target's own tables.

    Args:
        systems: Names of systems, such as `market`.
        full_refresh: Whether incremental models are built anew from the lake.
        rebuild_days: Days to build again from the lake although they were built.
        accept_lost: Whether a build of everything may leave out runs whose files are gone from the lake.
        accept_quality: Why a person who looked wants the build published in spite of the quality gate.

    Raises:
        ConfigurationError: There is no such target, or it does not build one of the systems.
        TransformError: A model or a test failed; what was published before stays.
        QualityGateError: What was built is not believable; what was published before stays.
        LakeUnavailableError: Another run holds the warehouse and does not end.
    """
    settings = get_settings()
    target = check_target(settings, systems)
    with lines_in_run_log(), warehouse_turn(settings), transform_run(settings, systems) as run:
        for system in systems:
            LOADERS.get(system, _nothing_to_load)(settings)
        built = build_models(
            settings, systems, full_refresh=full_refresh, rebuild_days=rebuild_days, accept_lost=accept_lost
        )
        run.built(built)
        if target.publishes:
            run.judged(judge_build(settings, systems, built, run_id=run.run_id, accept=accept_quality))
            publish_warehouse(settings, [*systems, *target.also])
    return built
