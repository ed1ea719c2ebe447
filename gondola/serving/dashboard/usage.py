"""How often each page is opened: a count a day and page, in a local file; nothing about who."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import date, timedelta

import pyarrow as pa

from gondola import clock
from gondola.settings import Settings

__all__ = ["count_view", "views"]

_FILE = "dashboard_usage.sqlite"
_WAIT_SECONDS = 2.0
_COLUMNS = pa.schema({"day": pa.date32(), "page": pa.string(), "views": pa.int64()})


def count_view(settings: Settings, page: str) -> None:
    """Count one opening of a page; a count that can't be kept keeps nobody from reading.

    Args:
        settings: Name the folder of logs, where the file is.
        page: The page.
    """
    with suppress(sqlite3.Error, OSError):
        settings.logs.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(settings.logs / _FILE, timeout=_WAIT_SECONDS)) as file, file:
            file.execute(
                "create table if not exists views (day text, page text, views integer, primary key (day, page))"
            )
            file.execute(
                "insert into views values (?, ?, 1) on conflict (day, page) do update set views = views + 1",
                (clock.today().isoformat(), page),
            )


def views(settings: Settings, *, days: int = 30) -> pa.Table:
    """The counts of the last days.

    Args:
        settings: Name the folder of logs.
        days: How many days back, today included.

    Returns:
        Columns `day`, `page` and `views`; no rows when nothing was counted or the file can't be read.
    """
    path = settings.logs / _FILE
    since = clock.today() - timedelta(days=days - 1)
    rows: list[tuple[str, str, int]] = []
    with suppress(sqlite3.Error, OSError):
        if path.exists():
            with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as file:
                query = "select day, page, views from views where day >= ? order by day desc, page"
                rows = file.execute(query, (since.isoformat(),)).fetchall()
    return pa.Table.from_pylist(
        [{"day": date.fromisoformat(day), "page": page, "views": count} for day, page, count in rows], schema=_COLUMNS
    )
