"""BigQuery: a load job takes a file by the names of its columns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from gondola.errors import ConfigurationError
from gondola.settings import Settings
from storage.warehouses.connector import RAW_SCHEMA, Connector

__all__ = ["BigQueryConnector"]


class BigQueryConnector(Connector):
    """The project that the `DBT_BIGQUERY_…` variables name, with Google's application default credentials."""

    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"varchar": "string", "bigint": "int64", "integer": "int64", "timestamp with time zone": "timestamp"}
    )

    def __init__(self, settings: Settings, *, client: Any = None) -> None:  # noqa: ARG002 - all are opened alike
        """Connect.

        Args:
            settings: Nothing of them.
            client: A client, in place of one that is opened.

        Raises:
            ConfigurationError: The library or a variable is missing.
        """
        try:
            self._project = os.environ["DBT_BIGQUERY_PROJECT"]
            if client is None:
                from google.cloud import bigquery

                location = os.environ.get("DBT_BIGQUERY_LOCATION", "US")
                client = bigquery.Client(project=self._project, location=location)
        except ImportError as error:
            message = "the target bigquery needs its client: pip install 'gondola[bigquery]'"
            raise ConfigurationError(message) from error
        except KeyError as error:
            message = f"the target bigquery needs the variable {error.args[0]}: see docs/physical_product.md"
            raise ConfigurationError(message) from None
        self._client = client

    def type_of(self, kind: str) -> str:
        """Its exact number has nine decimals at most, which is enough for ours."""
        return super().type_of(kind).replace("decimal(", "numeric(")

    def execute(self, sql: str) -> None:
        """Run a statement."""
        self._client.query(sql).result()

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return [tuple(row.values()) for row in self._client.query(sql).result()]

    def append(self, table: str, path: Path) -> None:
        """Load a file; the job is all or nothing."""
        config = {
            "load": {
                "sourceFormat": "PARQUET",
                "writeDisposition": "WRITE_APPEND",
                "createDisposition": "CREATE_NEVER",
                "decimalTargetTypes": ["NUMERIC"],
            }
        }
        with path.open("rb") as file:
            self._client.load_table_from_file(
                file, f"{self._project}.{RAW_SCHEMA}.{table}", job_config=self._job_config(config)
            ).result()

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _job_config(self, config: dict[str, Any]) -> Any:
        try:
            from google.cloud.bigquery import LoadJobConfig
        except ImportError:  # a client of somebody else, which takes it as it is
            return config
        return LoadJobConfig.from_api_repr(config)
