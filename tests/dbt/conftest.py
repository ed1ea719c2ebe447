"""dbt in this process: the project is parsed once, and each test builds a lake and a warehouse of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from gondola.settings import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_project"


@dataclass
class Warehouse:
    """A lake, the warehouse built from it, and dbt to build it with."""

    lake: Path
    file: Path
    run_dbt: Callable[..., dbtRunnerResult]
    system: str = "market"

    def build(self, *args: str, command: str = "build") -> dict[str, str]:
        """Run dbt on the models of the system, or on those that are selected, and expect it to succeed.

        Returns:
            The status of each node, by its short name.
        """
        result = self.run_dbt(command, *self._selected(args))
        statuses = {node.node.name: str(node.status) for node in result.result or []}
        assert result.success, result.exception or {
            node.node.name: node.message for node in result.result if str(node.status) in {"error", "fail"}
        }
        return statuses

    def fails(self, *args: str, command: str = "build") -> str:
        """Run dbt, expect it to fail, and return what it says."""
        result = self.run_dbt(command, *self._selected(args))
        assert not result.success
        nodes = [f"{node.node.name}: {node.message}" for node in result.result or [] if node.message]
        return "\n".join(nodes) + str(result.exception or "")

    def _selected(self, args: tuple[str, ...]) -> tuple[str, ...]:
        return args if "--select" in args else (*args, "--select", self.system, "shared")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer to a query on the warehouse."""
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"attach '{self.file}' as gondola (read_only)")
            connection.execute("use gondola")
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="session")
def dbt_target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture(scope="session")
def manifest(dbt_target: Path) -> Manifest:
    environment = pytest.MonkeyPatch()
    environment.setenv("GONDOLA_WAREHOUSE", str(dbt_target / "parse.duckdb"))
    result = dbtRunner().invoke(["parse", *_options(dbt_target)])
    environment.undo()
    assert result.success, result.exception
    assert isinstance(result.result, Manifest)
    return result.result


@pytest.fixture
def warehouse(tmp_path: Path, manifest: Manifest, dbt_target: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    lake, file = tmp_path / "lake", tmp_path / "gondola.duckdb"
    lake.mkdir()
    monkeypatch.setenv("GONDOLA_LAKE", str(lake))
    monkeypatch.setenv("GONDOLA_WAREHOUSE", str(file))
    monkeypatch.setenv("GONDOLA_TRANSFORM_THREADS", "2")

    def run_dbt(command: str, *args: str) -> dbtRunnerResult:
        try:
            return dbtRunner(manifest=manifest).invoke([*command.split(), *_options(dbt_target), *args])
        finally:
            # An in-memory main database makes dbt-duckdb keep its connection, and so the lock on the file.
            DuckDBConnectionManager.close_all_connections()

    return Warehouse(lake, file, run_dbt)


@pytest.fixture
def events_warehouse(warehouse: Warehouse) -> Warehouse:
    warehouse.system = "events"
    return warehouse


def _options(target: Path) -> list[str]:
    return [
        "--quiet",
        "--project-dir",
        str(PROJECT),
        "--profiles-dir",
        str(PROJECT),
        "--target-path",
        str(target / "target"),
        "--log-path",
        str(target / "logs"),
    ]
