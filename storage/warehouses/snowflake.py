"""Snowflake: a file is put into a stage of the session, and copied from there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from gondola.errors import ConfigurationError
from gondola.settings import Settings
from storage.duck import quote_literal
from storage.warehouses.connector import RAW_SCHEMA, Connector

__all__ = ["SnowflakeConnector"]

_STAGE = f"{RAW_SCHEMA}.gondola_upload"


class SnowflakeConnector(Connector):
    """The database that the `DBT_SNOWFLAKE_…` variables name."""

    types: ClassVar[Mapping[str, str]] = MappingProxyType({"timestamp with time zone": "timestamp_tz"})

    def __init__(self, settings: Settings, *, connection: Any = None) -> None:  # noqa: ARG002 - all are opened alike
        """Connect.

        Args:
            settings: Nothing of them.
            connection: A DB-API connection, in place of one that is opened.

        Raises:
            ConfigurationError: The driver or a variable is missing.
        """
        try:
            if connection is None:
                from snowflake import connector

                connection = connector.connect(
                    account=os.environ["DBT_SNOWFLAKE_ACCOUNT"],
                    user=os.environ["DBT_SNOWFLAKE_USER"],
                    password=os.environ["DBT_ENV_SECRET_SNOWFLAKE_PASSWORD"],
                    role=os.environ.get("DBT_SNOWFLAKE_ROLE"),
                    warehouse=os.environ.get("DBT_SNOWFLAKE_WAREHOUSE"),
                    database=os.environ["DBT_SNOWFLAKE_DATABASE"],
                )
        except ImportError as error:
            message = "the target snowflake needs its driver: pip install 'gondola[snowflake]'"
            raise ConfigurationError(message) from error
        except KeyError as error:
            message = f"the target snowflake needs the variable {error.args[0]}: see docs/physical_product.md"
            raise ConfigurationError(message) from None
        self._connection = connection

    def prepare(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        """Make what is missing, and a stage that goes with the session."""
        super().prepare(tables)
        self.execute(f"create temporary stage if not exists {_STAGE}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: PUT, COPY and DELETE do not end a transaction."""
        self.execute("begin")
        try:
            yield
        except BaseException:
            self.execute("rollback")
            raise
        self.execute("commit")

    def execute(self, sql: str) -> None:
        """Run a statement."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def append(self, table: str, path: Path) -> None:
        """Upload a file and copy it by the names of its columns."""
        self.execute(f"put {quote_literal(f'file://{path}')} @{_STAGE}/{table} auto_compress = false overwrite = true")
        self.execute(
            f"copy into {self.name(table)} from @{_STAGE}/{table}/{path.name} "
            "file_format = (type = parquet use_logical_type = true) match_by_column_name = case_insensitive "
            "force = true purge = true"
        )

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()
