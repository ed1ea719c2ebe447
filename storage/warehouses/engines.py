"""Which engines there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gondola.errors import UnknownNameError
from gondola.settings import Settings
from storage.warehouses.bigquery import BigQueryConnector
from storage.warehouses.connector import Connector
from storage.warehouses.databricks import DatabricksConnector
from storage.warehouses.postgres import PostgresConnector
from storage.warehouses.snowflake import SnowflakeConnector
from storage.warehouses.spark import SparkConnector

__all__ = ["ENGINES", "open_connector"]

# By the name of the target. DuckDB is none of them: it reads the lake itself.
ENGINES: Mapping[str, Callable[[Settings], Connector]] = MappingProxyType(
    {
        "postgres": PostgresConnector,
        "spark": SparkConnector,
        "databricks": DatabricksConnector,
        "snowflake": SnowflakeConnector,
        "bigquery": BigQueryConnector,
    }
)


def open_connector(target: str, settings: Settings) -> Connector:
    """Connect to an engine.

    Args:
        target: Its name.
        settings: What it may want to know.

    Raises:
        UnknownNameError: There is no such engine.
        ConfigurationError: Its driver or a variable is missing.
    """
    if target not in ENGINES:
        message = f"rows can't be loaded into {target!r}; there are {', '.join(ENGINES)}"
        raise UnknownNameError(message)
    return ENGINES[target](settings)
