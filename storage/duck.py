"""The one DuckDB session: it reads and writes the lake's URLs, on every kind of storage."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import duckdb

from gondola.errors import ConfigurationError
from storage.credentials import azure_options, redact, s3_options
from storage.lake import normalise_uri

__all__ = ["connect", "load_extension", "prepare", "quote_identifier", "quote_literal"]

_SESSION_SECRET = "gondola_lake"  # noqa: S105


def connect(
    lake_uri: str,
    *,
    database: str | Path = ":memory:",
    read_only: bool = False,
    threads: int | None = None,
    memory: str | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB session that can use a lake.

    Args:
        lake_uri: The lake, as in `GONDOLA_LAKE`.
        database: A DuckDB file, or `:memory:`.
        read_only: Open the file for reading only.
        threads: Threads of the engine; all cores by default.
        memory: Memory limit, such as `1GB`; four fifths of the machine's by default.

    Raises:
        ConfigurationError: An extension or the cloud's variables are missing.
    """
    config: dict[str, str | bool | int | float | list[str]] = {}
    if threads is not None:
        config["threads"] = threads
    if memory is not None:
        config["memory_limit"] = memory
    connection = duckdb.connect(str(database), read_only=read_only, config=config)
    try:
        prepare(connection, lake_uri)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: duckdb.DuckDBPyConnection, lake_uri: str) -> None:
    """Make an open connection ready for a lake; again is harmless.

    A lake that is a folder needs no extension and no secret.

    Raises:
        ConfigurationError: An extension or the cloud's variables are missing.
    """
    uri = normalise_uri(lake_uri)
    connection.execute("SET TimeZone = 'UTC'")  # the days and hours of a timestamp are the same on every machine
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return
    if scheme == "memory":
        _prepare_memory(connection)
        return
    scope = f"{scheme}://{rest.split('/', 1)[0]}"
    if scheme == "s3":
        load_extension(connection, "httpfs")
        _create_secret(connection, "s3", scope, s3_options())
    else:
        load_extension(connection, "azure")
        _create_secret(connection, "azure", scope, azure_options())


def quote_identifier(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: object) -> str:
    """A text as SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def load_extension(connection: duckdb.DuckDBPyConnection, extension: str) -> None:
    """Load one of DuckDB's extensions; again is harmless.

    Args:
        connection: An open connection.
        extension: Its name, such as `httpfs`.

    Raises:
        ConfigurationError: It is neither installed as a package nor to be had.
    """
    # The wheel on the package index holds DuckDB's own signed binary, so that nothing is downloaded at run time.
    spec = importlib.util.find_spec(f"duckdb_extension_{extension}")
    folders = spec.submodule_search_locations if spec else None
    binaries = [path for folder in folders or () for path in Path(folder).rglob("*.duckdb_extension")]
    try:
        if binaries:
            connection.load_extension(str(binaries[0]))
        else:
            connection.install_extension(extension)
            connection.load_extension(extension)
    except duckdb.Error as error:
        package = f"duckdb-extension-{extension.replace('_', '-')}=={duckdb.__version__}"
        message = f"DuckDB's extension {extension} can't be loaded ({error}); install the package {package}"
        raise ConfigurationError(message) from error


def _create_secret(
    connection: duckdb.DuckDBPyConnection, kind: str, scope: str, options: dict[str, str | bool]
) -> None:
    parts = [f"TYPE {kind}", f"SCOPE {quote_literal(scope)}"]
    for name, value in options.items():
        parts.append(f"{name} {str(value).lower() if isinstance(value, bool) else quote_literal(value)}")
    try:
        connection.execute(f"CREATE OR REPLACE SECRET {_SESSION_SECRET} ({', '.join(parts)})")
    except duckdb.Error as error:
        # The statement is in the error, so it goes no further.
        message = f"DuckDB does not take the credentials for {scope}: {redact(error)}"
        raise ConfigurationError(message) from None


def _prepare_memory(connection: duckdb.DuckDBPyConnection) -> None:
    import fsspec

    if not connection.filesystem_is_registered("memory"):
        connection.register_filesystem(fsspec.filesystem("memory"))
    # All readers of a file in memory share one position in it.
    connection.execute("SET threads = 1")
