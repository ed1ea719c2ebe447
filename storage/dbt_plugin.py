"""What dbt's DuckDB connection needs to read and write the lake; the dbt profile names no storage.

Named in the profile as `plugins: [{module: storage.dbt_plugin}]`. It runs before databases are attached.
"""

from __future__ import annotations

import os

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from gondola.settings import get_settings
from storage.duck import prepare

__all__ = ["Plugin"]


class Plugin(BasePlugin):
    """Prepares each connection dbt opens for the lake of `GONDOLA_LAKE`."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Load what the lake needs, and make its secret.

        Args:
            conn: The connection that dbt has just opened.
        """
        prepare(conn, os.environ.get("GONDOLA_LAKE") or get_settings().lake)
