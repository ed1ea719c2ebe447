"""Where models can be built: the warehouse's own DuckDB file, or another engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from gondola.errors import ConfigurationError, UnknownNameError
from gondola.settings import Settings
from storage.lake import Lake
from storage.postgres import Postgres

__all__ = ["ALWAYS_BUILT", "DUCKDB", "TARGETS", "Target", "check_target", "target_environment"]

DUCKDB = "duckdb"
ALWAYS_BUILT = ("shared", "ops")  # models that belong to no system


@dataclass(frozen=True, slots=True)
class Target:
    """An engine that dbt builds on, by its name in `dbt_project/profiles.yml`."""

    name: str
    environment: Callable[[Settings], Mapping[str, str]]  # what the profile wants to know
    systems: tuple[str, ...] | None = None  # those it can build; None for all
    also: tuple[str, ...] = ()  # what is built with any of them
    publishes: bool = False  # whether readers see a published copy; otherwise they see the tables themselves


def _duckdb_environment(settings: Settings) -> dict[str, str]:
    return {
        "GONDOLA_LAKE": Lake.open(settings.lake).uri,
        "GONDOLA_WAREHOUSE": str(settings.warehouse),
        "GONDOLA_TRANSFORM_THREADS": str(settings.transform_threads),
        "GONDOLA_TRANSFORM_MEMORY": settings.transform_memory,
    }


def _postgres_environment(settings: Settings) -> dict[str, str]:
    return Postgres.of(settings).dbt_environment()


def _own_environment(_settings: Settings) -> dict[str, str]:
    return {}  # their profiles read variables of their own: docs/physical_product.md lists them


_CLOUDS = ("spark", "databricks", "snowflake", "bigquery")
TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target(DUCKDB, _duckdb_environment, also=ALWAYS_BUILT, publishes=True),
            Target("postgres", _postgres_environment, systems=("retail_sales", "physical_product")),
            *(Target(name, _own_environment, systems=("physical_product",)) for name in _CLOUDS),
        )
    }
)


def check_target(settings: Settings, systems: Sequence[str]) -> Target:
    """The target that the settings name, if it can build these systems.

    Args:
        settings: Name the target.
        systems: What is to be built.

    Raises:
        UnknownNameError: There is no such target.
        ConfigurationError: It does not build one of the systems.
    """
    target = TARGETS.get(settings.target)
    if target is None:
        message = f"there is no target {settings.target!r}; GONDOLA_TARGET may be: {', '.join(TARGETS)}"
        raise UnknownNameError(message)
    if target.systems is not None:
        others = [system for system in systems if system not in target.systems]
        if others:
            message = (
                f"{', '.join(others)} can't be built on the target {target.name}, which builds "
                f"{', '.join(target.systems)}; leave it out, or unset GONDOLA_TARGET to build on {DUCKDB}"
            )
            raise ConfigurationError(message)
    return target


@contextmanager
def target_environment(settings: Settings, target: Target) -> Iterator[None]:
    """Tell dbt's profile where to build, for the length of a block.

    A password is not left behind in the process's environment; what names the lake and the warehouse stays, as
    threads of the runner may read it after the block.
    """
    given = target.environment(settings)
    before = {name: os.environ.get(name) for name in given if "SECRET" in name}
    os.environ |= given
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
