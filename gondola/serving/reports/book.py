"""A workbook, sheet by sheet and row by row: what was written leaves memory, so its size does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import pyarrow as pa
import xlsxwriter

from gondola.serving.reports.texts import Texts

__all__ = ["Book", "Column", "Sheet", "Span"]

# Excel takes a million rows, but nobody reads them; and no more links than this on a sheet.
MOST_ROWS = 100_000
_MOST_LINKS = 65_000
_LONGEST_LINK = 2_000
_BATCH = 5_000
_FROZEN = 3  # a head further down would take the whole screen with it

Kind = Literal["text", "word", "money", "percent", "share", "number", "decimal", "date", "moment", "truth"]
_FORMATS: dict[Kind, str] = {
    "money": "#,##0.00",
    "percent": "0.0%",
    "share": "0.0%",
    "number": "#,##0",
    "decimal": "0.00##",
    "moment": "yyyy-mm-dd hh:mm:ss",
}


class Column(NamedTuple):
    """A column of a sheet."""

    name: str  # of the rows' column
    kind: Kind = "text"
    width: int = 14
    title: str | None = None  # the word in its head; the name's by default
    link: str | None = None  # the rows' column with an address that its cells lead to


@dataclass(frozen=True, slots=True)
class Span:
    """Where a table came to lie: zero-based, the head excluded."""

    sheet: str
    first: int
    last: int
    columns: tuple[str, ...]

    def cells(self, column: str) -> list[Any]:
        """A column's cells, as charts name them."""
        place = self.columns.index(column)
        return [self.sheet, self.first, place, self.last, place]

    @property
    def is_empty(self) -> bool:
        """Whether there are no rows."""
        return self.last < self.first


class Book:
    """A workbook that is being written.

    Args:
        path: The file; it is replaced when the block ends without an error, and left alone otherwise.
        texts: The language.
    """

    def __init__(self, path: Path, texts: Texts) -> None:
        self.texts = texts
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(str(self._partial), options)
        self._formats: dict[str, Any] = {
            "title": self._book.add_format({"bold": True, "font_size": 16}),
            "heading": self._book.add_format({"bold": True, "font_size": 12, "font_color": "#1F4E79"}),
            "note": self._book.add_format({"italic": True, "font_color": "#595959"}),
            "head": self._book.add_format(
                {"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", "text_wrap": True, "valign": "top"}
            ),
            "link": self._book.add_format({"font_color": "#0563C1", "underline": 1}),
            "date": self._book.add_format({"num_format": texts.date_format, "align": "left"}),
        }
        for kind, code in _FORMATS.items():
            self._formats[kind] = self._book.add_format({"num_format": code})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._book.close()
            if kind is None:
                self._partial.replace(self._path)
        finally:
            self._partial.unlink(missing_ok=True)

    @contextmanager
    def sheet(self, key: str) -> Iterator[Sheet]:
        """A sheet, named by a text, until the block ends."""
        worksheet = self._book.add_worksheet(self.texts[key])
        worksheet.set_landscape()
        worksheet.fit_to_pages(1, 0)
        yield Sheet(worksheet, self._formats, self.texts, self._book.add_format)

    def chart(self, kind: str, title: str, series: Sequence[tuple[str, list[Any], list[Any]]]) -> Any:
        """A chart of ranges.

        Args:
            kind: As xlsxwriter names it: line or bar.
            title: Its title.
            series: Name, categories and values of each line or bar.
        """
        chart = self._book.add_chart({"type": kind})
        colours = ("#1F4E79", "#C55A11", "#548235", "#7F6000")
        for place, (name, categories, values) in enumerate(series):
            style = (
                {"line": {"color": colours[place % 4]}} if kind == "line" else {"fill": {"color": colours[place % 4]}}
            )
            chart.add_series({"name": name, "categories": categories, "values": values, **style})
        chart.set_title({"name": title, "name_font": {"size": 12}})
        chart.set_size({"width": 560, "height": 300})
        if kind == "line":
            chart.set_x_axis({"date_axis": True, "num_format": self.texts.date_format})
        if len(series) < 2:
            chart.set_legend({"none": True})
        return chart


class Sheet:
    """One sheet, written from top to bottom."""

    def __init__(
        self, worksheet: Any, formats: dict[str, Any], texts: Texts, style: Callable[[dict[str, Any]], Any]
    ) -> None:
        self.style = style
        self.worksheet = worksheet
        self._formats = formats
        self._texts = texts
        self._row = 0
        self._links = 0

    def line(self, *values: str, style: str = "note") -> None:
        """A line of text, cell by cell."""
        for place, value in enumerate(values):
            self.worksheet.write_string(self._row, place, value, self._formats[style] if not place else None)
        self._row += 1

    def space(self) -> None:
        """An empty line."""
        self._row += 1

    def table(
        self, columns: Sequence[Column], rows: pa.Table | Iterable[pa.RecordBatch], *, main: bool = False
    ) -> Span:
        """A table with a head.

        Args:
            columns: What is shown, in this order.
            rows: The rows; of a table, as many as a person can look at, of batches, all.
            main: Whether it is what the sheet is for: its head stays in sight, and it can be filtered.

        Returns:
            Where its rows are.
        """
        if isinstance(rows, pa.Table):
            shown = rows.slice(0, MOST_ROWS)
            if rows.num_rows > shown.num_rows:
                self.line(self._texts["cut"].format(shown=shown.num_rows, rows=rows.num_rows))
            rows = shown.to_batches(max_chunksize=_BATCH)
        head = self._row
        for place, column in enumerate(columns):
            self.worksheet.write_string(
                head, place, self._texts.value(column.title or column.name), self._formats["head"]
            )
            if main:
                self.worksheet.set_column(place, place, column.width)
        self._row += 1
        for batch in rows:
            for values in batch.to_pylist():
                for place, column in enumerate(columns):
                    self._cell(place, column, values)
                self._row += 1
        if main:
            if head <= _FROZEN:
                self.worksheet.freeze_panes(head + 1, 0)
            self.worksheet.autofilter(head, 0, max(self._row - 1, head), len(columns) - 1)
            self.worksheet.repeat_rows(head)
        names = tuple(column.name for column in columns)
        return Span(self.worksheet.get_name(), head + 1, self._row - 1, names)

    def _cell(self, place: int, column: Column, values: dict[str, Any]) -> None:
        value = values[column.name]
        if value is None:
            return  # unknown is an empty cell, never 0
        write, kind = self.worksheet, column.kind
        if kind == "date":
            write.write_datetime(self._row, place, value, self._formats["date"])
        elif kind == "moment":
            plain = value.replace(tzinfo=None)  # Excel has no zones: it is UTC, as everywhere
            write.write_datetime(self._row, place, plain, self._formats["moment"])
        elif kind == "truth":
            write.write_string(self._row, place, self._texts["yes" if value else "no"])
        elif kind == "word":
            write.write_string(self._row, place, self._texts.value(str(value)))
        elif kind == "percent":
            write.write_number(self._row, place, float(value) / 100, self._formats[kind])
        elif kind in _FORMATS:
            write.write_number(self._row, place, float(value), self._formats[kind])
        elif (link := self._link(column, values)) is not None:
            write.write_url(self._row, place, link, self._formats["link"], string=str(value))
        else:
            write.write_string(self._row, place, str(value))

    def _link(self, column: Column, values: dict[str, Any]) -> str | None:
        link = values[column.link] if column.link else None
        if not link or self._links >= _MOST_LINKS or len(link) > _LONGEST_LINK:
            return None
        if not link.startswith(("http://", "https://")):
            return None
        self._links += 1
        return str(link)
