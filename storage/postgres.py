"""PostgreSQL as a target: its address, a connection of its own, and a DuckDB session that reads and writes it.

No message here holds the password: what the drivers say goes through `Postgres.redact`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote

import duckdb
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gondola.errors import ConfigurationError, WarehouseUnavailableError
from gondola.settings import Settings
from storage.duck import load_extension, quote_identifier, quote_literal

__all__ = ["POSTGRES_CATALOG", "Postgres"]

POSTGRES_CATALOG = "pg"  # the name it is attached to DuckDB by
_CONNECT_SECONDS = 30
_SECRET = "gondola_postgres"  # noqa: S105 - the name of a secret
_EXAMPLE = "postgresql://user:password@host:5432/database"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL database, by its address."""

    host: str
    port: int
    user: str
    database: str
    sslmode: str
    options: tuple[tuple[str, str], ...] = ()  # what else libpq was told
    _password: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The database that `GONDOLA_POSTGRES_URL` names.

        Args:
            settings: Hold the address, as a URI or as `key=value` pairs, as libpq reads both.

        Raises:
            ConfigurationError: It is not set, or is no address.
        """
        if settings.postgres_url is None:
            message = f"the target postgres needs GONDOLA_POSTGRES_URL, such as {_EXAMPLE}"
            raise ConfigurationError(message)
        try:
            given = conninfo_to_dict(settings.postgres_url.get_secret_value())
        except psycopg.Error:
            # The driver's words repeat the address, password and all.
            message = f"GONDOLA_POSTGRES_URL is no address of a PostgreSQL; it must look like {_EXAMPLE}"
            raise ConfigurationError(message) from None
        parts = {key: str(value) for key, value in given.items()}
        user = parts.pop("user", "postgres")
        return cls(
            host=parts.pop("host", "localhost"),
            port=int(parts.pop("port", "5432")),
            user=user,
            database=parts.pop("dbname", user),
            sslmode=parts.pop("sslmode", "prefer"),
            _password=parts.pop("password", ""),
            options=tuple(sorted(parts.items())),
        )

    @property
    def name(self) -> str:
        """The database as messages name it, without the password."""
        return f"postgresql://{self.user}@{self.host}:{self.port}/{self.database}"

    def redact(self, text: object) -> str:
        """The text without the password, however it is written."""
        result = str(text)
        escaped = self._password.replace("\\", "\\\\").replace("'", "\\'")  # as libpq writes it
        for secret in sorted({self._password, quote(self._password, safe=""), escaped}, key=len, reverse=True):
            if secret:
                result = result.replace(secret, "***")
        return result.strip()

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection:
        """Open a connection; its session is in UTC.

        Args:
            autocommit: Whether each statement is a transaction of its own.

        Raises:
            WarehouseUnavailableError: It does not answer, or refuses.
        """
        try:
            return psycopg.connect(self._conninfo(), autocommit=autocommit)
        except psycopg.Error as error:
            raise self._unavailable(error) from None

    def attach(self, connection: duckdb.DuckDBPyConnection, *, read_only: bool = False) -> None:
        """Attach it to a DuckDB session as the database `pg`.

        Args:
            connection: The session.
            read_only: Whether the session may only read it.

        Raises:
            ConfigurationError: DuckDB's extension is missing.
            WarehouseUnavailableError: It does not answer, or refuses.
        """
        load_extension(connection, "postgres_scanner")
        values = {"HOST": self.host, "PORT": self.port, "USER": self.user, "DATABASE": self.database}
        if self._password:
            values["PASSWORD"] = self._password
        pairs = ", ".join(f"{key} {quote_literal(value)}" for key, value in values.items())
        rest = " ".join(f"{key}={value}" for key, value in {"sslmode": self.sslmode, **dict(self.options)}.items())
        mode = ", READ_ONLY" if read_only else ""
        try:
            connection.execute(f"CREATE OR REPLACE SECRET {_SECRET} (TYPE postgres, {pairs})")
            connection.execute(
                f"ATTACH {quote_literal(rest)} AS {quote_identifier(POSTGRES_CATALOG)} "
                f"(TYPE postgres, SECRET {_SECRET}{mode})"
            )
        except duckdb.Error as error:
            raise self._unavailable(error) from None

    def dbt_environment(self) -> dict[str, str]:
        """The variables from which dbt's profile takes the address."""
        return {
            "DBT_POSTGRES_HOST": self.host,
            "DBT_POSTGRES_PORT": str(self.port),
            "DBT_POSTGRES_USER": self.user,
            "DBT_ENV_SECRET_POSTGRES_PASSWORD": self._password,
            "DBT_POSTGRES_DBNAME": self.database,
            "DBT_POSTGRES_SSLMODE": self.sslmode,
        }

    def _conninfo(self) -> str:
        wanted = {"connect_timeout": str(_CONNECT_SECONDS), "application_name": "gondola", **dict(self.options)}
        wanted["options"] = f"{wanted.get('options', '')} -c TimeZone=UTC".strip()
        return make_conninfo(
            "",
            host=self.host,
            port=self.port,
            user=self.user,
            dbname=self.database,
            sslmode=self.sslmode,
            password=self._password or None,
            **wanted,
        )

    def _unavailable(self, error: Exception) -> WarehouseUnavailableError:
        message = f"{self.name} can't be used: {self.redact(error)}; see GONDOLA_POSTGRES_URL and the server's log"
        return WarehouseUnavailableError(message)
