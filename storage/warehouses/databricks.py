"""Databricks: a file is put into a volume of Unity Catalog, and copied from there into a Delta table."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from gondola.errors import ConfigurationError
from gondola.settings import Settings
from storage.duck import quote_literal
from storage.warehouses.connector import Connector

__all__ = ["DatabricksConnector"]


class DatabricksConnector(Connector):
    """The SQL warehouse that the `DBT_DATABRICKS_…` variables name."""

    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"varchar": "string", "timestamp with time zone": "timestamp", "integer": "int"}
    )

    def __init__(self, settings: Settings, *, connection: Any = None) -> None:
        """Connect.

        Args:
            settings: Name the spool: only files below it may be uploaded.
            connection: A DB-API connection, in place of one that is opened.

        Raises:
            ConfigurationError: The driver or a variable is missing.
        """
        try:
            self._volume = os.environ["DBT_DATABRICKS_VOLUME"].rstrip("/")
            if connection is None:
                from databricks import sql

                connection = sql.connect(
                    server_hostname=os.environ["DBT_DATABRICKS_HOST"],
                    http_path=os.environ["DBT_DATABRICKS_HTTP_PATH"],
                    access_token=os.environ["DBT_ENV_SECRET_DATABRICKS_TOKEN"],
                    catalog=os.environ.get("DBT_DATABRICKS_CATALOG", "main"),
                    staging_allowed_local_path=str(settings.spool),
                )
        except ImportError as error:
            message = "the target databricks needs an environment of its own: see docs/physical_product.md"
            raise ConfigurationError(message) from error
        except KeyError as error:
            message = f"the target databricks needs the variable {error.args[0]}: see docs/physical_product.md"
            raise ConfigurationError(message) from None
        self._connection = connection

    def execute(self, sql: str) -> None:
        """Run a statement; each is a transaction of its own."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def append(self, table: str, path: Path) -> None:
        """Upload a file, copy it, remove it. It is copied by name; again, too, as `clear` took its rows out."""
        staged = f"{self._volume}/{path.name}.parquet"
        self.execute(f"put {quote_literal(path)} into {quote_literal(staged)} overwrite")
        columns = ", ".join(self.columns_of(table))
        self.execute(
            f"copy into {self.name(table)} from (select {columns} from {quote_literal(staged)}) "
            "fileformat = parquet copy_options ('force' = 'true')"
        )
        self.execute(f"remove {quote_literal(staged)}")

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()
