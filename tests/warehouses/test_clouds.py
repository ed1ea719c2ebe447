"""What is said to warehouses that can't be had here: each statement, in its order, as SQL of their dialect."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
import sqlglot
from sqlglot import exp

from gondola.errors import ConfigurationError, UnknownNameError
from gondola.settings import Settings
from gondola.sources.physical_product import DOMAINS
from storage.warehouses import ENGINES, BronzeRun, Connector, open_connector
from storage.warehouses.bigquery import BigQueryConnector
from storage.warehouses.databricks import DatabricksConnector
from storage.warehouses.snowflake import SnowflakeConnector

RUN = "physical_product-20260205T143200Z"
TABLES = {name: {**domain.landed, "run_id": "varchar"} for name, domain in DOMAINS.items()}


class Recorder:
    """A driver that remembers what it is told: a connection, a cursor, a client and a job in one."""

    def __init__(self, *, fails_on: str = "") -> None:
        self.said: list[str] = []
        self._fails_on = fails_on

    def cursor(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        self.said.append(sql)
        if self._fails_on and self._fails_on in sql:
            raise OSError(sql)

    def fetchall(self) -> list[tuple[str]]:
        return [(RUN,)]

    def query(self, sql: str) -> Self:
        self.execute(sql)
        return self

    def result(self) -> list[dict[str, str]]:
        return [{"run_id": RUN}]

    def load_table_from_file(self, _file: object, table: str, *, job_config: Any) -> Self:
        assert job_config is not None
        self.said.append(f"load {table}")
        return self

    def close(self) -> None:
        self.said.append("closed")


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_DATABRICKS_VOLUME", "/Volumes/main/gondola/upload")
    monkeypatch.setenv("DBT_BIGQUERY_PROJECT", "shop")


def connector(engine: str, driver: Recorder) -> Connector:
    settings = Settings()
    if engine == "databricks":
        return DatabricksConnector(settings, connection=driver)
    if engine == "snowflake":
        return SnowflakeConnector(settings, connection=driver)
    return BigQueryConnector(settings, client=driver)


def load(engine: str, driver: Recorder, folder: Path) -> list[str]:
    path = folder / "orders.spool"
    path.touch()
    with connector(engine, driver) as warehouse:
        warehouse.prepare(TABLES)
        assert warehouse.loaded_runs() == {RUN}
        before = len(driver.said)
        warehouse.load(
            BronzeRun(RUN, datetime(2026, 2, 5, 14, 40, tzinfo=UTC), {"orders": path}, {"orders": "bronze/x.parquet"})
        )
    return driver.said[before:]


@pytest.mark.parametrize("engine", ["databricks", "snowflake", "bigquery"])
def test_a_run_is_cleared_copied_and_then_counted(engine: str, tmp_path: Path) -> None:
    driver = Recorder()
    said = load(engine, driver, tmp_path)
    words = [sql.split()[0] for sql in said]
    assert (
        words
        == {
            "databricks": ["delete", "put", "copy", "remove", "insert", "closed"],
            "snowflake": ["begin", "delete", "put", "copy", "insert", "commit", "closed"],
            "bigquery": ["delete", "load", "insert", "closed"],
        }[engine]
    )
    for sql in driver.said:
        # Uploads are words of the driver, not of a dialect that sqlglot knows.
        if sql.split()[0] in {"put", "remove", "load", "closed"}:
            continue
        (tree,) = sqlglot.parse(sql, dialect=engine, error_level=sqlglot.ErrorLevel.RAISE)
        assert tree is not None
        if sql.startswith(("create table", "delete", "insert", "select")):
            assert not isinstance(tree, exp.Command), sql
    created = [sql for sql in driver.said if sql.startswith("create table")]
    assert len(created) == len(DOMAINS) + 1
    assert RUN in next(sql for sql in said if sql.startswith("delete"))


def test_snowflake_takes_back_what_it_can_not_finish(tmp_path: Path) -> None:
    driver = Recorder(fails_on="copy into")
    with pytest.raises(OSError, match="copy into"):
        load("snowflake", driver, tmp_path)
    assert driver.said[-2:] == ["rollback", "closed"]
    assert not [sql for sql in driver.said if sql.startswith("insert")]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_BIGQUERY_PROJECT")
    monkeypatch.delenv("DBT_DATABRICKS_VOLUME")
    for engine in ("bigquery", "databricks"):
        with pytest.raises(ConfigurationError, match=r"docs/physical_product\.md|DBT_"):
            open_connector(engine, Settings())
    with pytest.raises(ConfigurationError, match="GONDOLA_POSTGRES_URL"):
        open_connector("postgres", Settings(postgres_url=None))
    with pytest.raises(UnknownNameError, match="there are postgres, spark, databricks, snowflake, bigquery"):
        open_connector("oracle", Settings())
    assert "duckdb" not in ENGINES
