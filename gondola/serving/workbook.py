"""Rows as an Excel workbook of one sheet."""

from __future__ import annotations

import io
import math
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from gondola.clock import BUSINESS_ZONE

__all__ = ["to_workbook"]

_MOST_ROWS = 1_048_575  # of a sheet, its header aside
_SHEET_NAME = 31
_WIDEST = 60
_SAMPLE = 200


def to_workbook(table: pa.Table, title: str) -> bytes:
    """Write rows as a workbook that opens ready for use: header, filter, frozen first row, real numbers and dates.

    Text stays text, whatever it begins with, so no product's name is taken for a formula. Moments are in the zone of
    the stores, as Excel knows none.

    Args:
        table: The rows; more than a sheet holds are cut off.
        title: The name of the sheet; what Excel does not allow in it is left out.
    """
    import xlsxwriter

    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("".join(c for c in title if c not in "[]:*?/\\'")[:_SHEET_NAME] or "Gondola")
    header = book.add_format({"bold": True, "bottom": 1})
    formats = {name: book.add_format({"num_format": shown}) for name, shown in _FORMATS.items()}
    rows = table.slice(0, _MOST_ROWS)
    for position, (name, column) in enumerate(zip(rows.column_names, rows.columns, strict=True)):
        form = formats.get(_kind(column.type))
        sheet.write_string(0, position, name, header)
        for line, value in enumerate(column.to_pylist(), start=1):
            _write(sheet, line, position, value, form)
        longest = max((len(str(value)) for value in column.slice(0, _SAMPLE).to_pylist()), default=0)
        sheet.set_column(position, position, min(max(longest, len(name)) + 2, _WIDEST))
    sheet.freeze_panes(1, 0)
    if rows.num_columns:
        sheet.autofilter(0, 0, rows.num_rows, rows.num_columns - 1)
    book.close()
    return content.getvalue()


_FORMATS = {"day": "yyyy-mm-dd", "moment": "yyyy-mm-dd hh:mm", "decimal": "#,##0.00##"}


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "moment"
    if pa.types.is_date(kind):
        return "day"
    return "decimal" if pa.types.is_decimal(kind) or pa.types.is_floating(kind) else ""


def _write(sheet: Any, line: int, position: int, value: Any, form: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(line, position, value)
    elif isinstance(value, int | float | Decimal):
        if not math.isfinite(value):
            return  # Excel knows no such number
        sheet.write_number(line, position, float(value), form)
    elif isinstance(value, datetime):
        there = value.astimezone(BUSINESS_ZONE) if value.tzinfo else value
        sheet.write_datetime(line, position, there.replace(tzinfo=None), form)
    elif hasattr(value, "isoformat"):
        sheet.write_datetime(line, position, value, form)
    else:
        sheet.write_string(line, position, str(value))
