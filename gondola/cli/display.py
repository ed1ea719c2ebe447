"""What the terminal shows: a live table while shelves are crawled, and tables of results."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gondola.progress import RegionProgress, listen

__all__ = ["console", "live_crawl", "output", "print_document", "rows_table", "status_text"]

_WIDTH_WITHOUT_TERMINAL = 160

# Standard output carries results only, so that it can be piped; everything for the eye goes to standard error.
console = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH_WITHOUT_TERMINAL)
output = Console(width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL)

_COLOURS = {"complete": "green", "partial": "yellow", "failed": "red", "crawling": "cyan"}
_MOST_LINES = 16
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+ ?%?|\?")


def status_text(status: str) -> Text:
    """A status in its colour."""
    return Text(status, style=_COLOURS.get(status, ""))


class _Board:
    """The latest progress of each store-region, drawn when asked."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began = monotonic()
        self._latest: dict[tuple[str, str], RegionProgress] = {}

    def update(self, progress: RegionProgress) -> None:
        self._latest[progress.supermarket, progress.region] = progress

    def __rich__(self) -> Group:
        seconds = monotonic() - self._began
        every = list(self._latest.values())
        table = Table(box=None, padding=(0, 1), header_style="dim")
        for name, justify in (
            ("store", "left"),
            ("region", "left"),
            ("", "left"),
            ("products", "right"),
            ("pages", "right"),
            ("errors", "right"),
            ("", "left"),
        ):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        # Those under way are what one looks at; the others are counted below.
        shown = sorted(every, key=lambda p: p.state != "crawling")[:_MOST_LINES]
        for p in shown:
            total = p.declared or max(p.products, 1)
            table.add_row(
                p.supermarket,
                p.region,
                ProgressBar(total=total, completed=min(p.products, total), width=24),
                f"{p.products:,} / {p.declared:,}" if p.declared else f"{p.products:,}",
                f"{p.pages:,}",
                f"{p.errors:,}",
                status_text(p.state),
            )
        products = sum(p.products for p in every)
        done = sum(p.state not in {"crawling", "waiting"} for p in every)
        foot = Text(
            f"{done} of {len(every)} store-regions done · {products:,} products · "
            f"{products / max(seconds, 0.1):,.0f} products/s · "
            f"{sum(p.errors for p in every):,} errors · {seconds:.0f} s",
            style="dim",
        )
        return Group(Text(self._title, style="bold"), table, foot)


@contextmanager
def live_crawl(title: str, *, enabled: bool) -> Iterator[None]:
    """Show a live table of the crawl while the block runs.

    Args:
        title: The line above the table.
        enabled: Whether to show anything; without a terminal nothing is shown either way.
    """
    if not (enabled and console.is_terminal):
        yield
        return
    board = _Board(title)
    with listen(board.update), Live(board, console=console, refresh_per_second=6):
        yield


def rows_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> Table:
    """A table of plain rows; numbers stand to the right, null is shown as nothing."""
    table = Table(title=title, title_justify="left", header_style="bold", title_style="bold", box=SIMPLE_HEAD)
    for index, name in enumerate(columns):
        values = [row[index] for row in rows if row[index] is not None]
        numeric = bool(values) and all(_NUMBER.fullmatch(str(value)) for value in values)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(v if isinstance(v, Text) else "" if v is None else escape(str(v)) for v in row))
    return table


def print_document(text: str) -> None:
    """Print a result to standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
