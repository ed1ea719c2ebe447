"""Rows as a workbook, opened again."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow as pa

from gondola.serving.export import encode_sheet

ROWS = pa.table(
    {
        "name": ["Café", "=1+1", "https://example.test"],
        "price": pa.array([Decimal("12.50"), None, Decimal("0.99")], pa.decimal128(18, 2)),
        "count": pa.array([1, 2, None], pa.int64()),
        "day": pa.array([date(2026, 2, 5), None, date(2026, 2, 6)], pa.date32()),
        "at": pa.array([datetime(2026, 2, 5, 1, 30, tzinfo=UTC), None, None], pa.timestamp("us", tz="UTC")),
    }
)


def sheet_of(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).active


def test_values_keep_their_kinds_and_nothing_is_a_formula() -> None:
    sheet = sheet_of(encode_sheet(ROWS, "Prices: today/now"))
    assert sheet.title == "Prices todaynow"
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == tuple(ROWS.column_names)
    day, moment = datetime(2026, 2, 5), datetime(2026, 2, 5, 1, 30)  # noqa: DTZ001 - Excel knows no zones
    assert rows[1] == ("Café", 12.5, 1, day, moment)
    assert rows[2] == ("=1+1", None, 2, None, None)
    assert sheet["A3"].data_type == "s"
    assert sheet["A4"].hyperlink is None
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:E4"


def test_no_rows_and_a_name_too_long_are_no_trouble() -> None:
    sheet = sheet_of(encode_sheet(ROWS.slice(0, 0), "x" * 40))
    assert sheet.max_row == 1
    assert len(sheet.title) == 31
