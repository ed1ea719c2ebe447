"""Spark: the session that dbt uses, too; local, or a cluster that `SPARK_REMOTE` names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from gondola.errors import ConfigurationError
from gondola.settings import Settings
from storage.warehouses.connector import LEDGER, RAW_SCHEMA, Connector

__all__ = ["SparkConnector"]

_BATCH_ROWS = 200_000


class SparkConnector(Connector):
    """Tables of Parquet, a folder for each run: a plain Spark has no DELETE, but it can drop a folder."""

    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"varchar": "string", "timestamp with time zone": "timestamp", "integer": "int"}
    )

    def __init__(self, settings: Settings) -> None:  # noqa: ARG002 - all engines are opened alike
        """Open the session.

        Args:
            settings: Nothing of them: Spark is told by `SPARK_CONF_DIR` or `SPARK_REMOTE`.

        Raises:
            ConfigurationError: PySpark is not installed.
        """
        try:
            from pyspark.sql import SparkSession
        except ImportError as error:
            message = "the target spark needs PySpark: pip install 'gondola[spark]'"
            raise ConfigurationError(message) from error
        self._spark = SparkSession.builder.enableHiveSupport().getOrCreate()
        self._spark.conf.set("spark.sql.session.timeZone", "UTC")
        self._spark.conf.set("hive.exec.dynamic.partition.mode", "nonstrict")

    def create_statement(self, table: str) -> str:
        """A table with a partition for each run, where rows have one."""
        statement = super().create_statement(table) + " using parquet"
        is_by_run = table != LEDGER and "run_id" in self.columns_of(table)
        return f"{statement} partitioned by (run_id)" if is_by_run else statement

    def clear(self, table: str, run_id: str) -> None:
        """Drop the run's partition."""
        self.execute(f"alter table {self.name(table)} drop if exists partition (run_id = '{run_id}')")

    def empty(self, table: str) -> None:
        """Remove all rows."""
        self.execute(f"truncate table {self.name(table)}")

    def execute(self, sql: str) -> None:
        """Run a statement."""
        self._spark.sql(sql)

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return [tuple(row) for row in self._spark.sql(sql).collect()]

    def append(self, table: str, path: Path) -> None:
        """Send a file's rows, as a cluster does not see this machine's files."""
        columns = list(self.columns_of(table))
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
                rows = self._spark.createDataFrame(pa.Table.from_batches([batch]))
                rows.select(*columns).write.insertInto(f"{RAW_SCHEMA}.{table}")

    def close(self) -> None:
        """Nothing: dbt goes on with the same session."""
