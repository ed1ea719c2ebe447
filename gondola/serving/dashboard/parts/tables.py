"""Tables: shown in the reader's language, downloaded whole as CSV and Excel with the names and values of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from gondola.serving.dashboard.parts.states import empty
from gondola.serving.dashboard.text import NOTHING, Text
from gondola.serving.dashboard.view import View
from gondola.serving.export import encode_sheet
from gondola.serving.query import encode

__all__ = ["frame_of", "label_of", "show_table"]

_MOST_ROWS = 500  # that are shown; a download has all
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# How values are shown, by their column's name; others by their type.
_MONEY = {
    "price", "list_price", "previous_price", "lowest_price", "highest_price", "unit_price", "total", "change_amount",
}  # fmt: skip
_SHARES = (
    "share", "rate", "coverage", "availability", "share_of_step_before", "share_of_first_step", "purchases_per_view",
    "share_of_retailer",
)  # fmt: skip
# Names that data knows only as ids: which words of the catalogue say them.
_NAMES = {
    "check_name": "check",
    "kind": "kind",
    "load_status": "status",
    "page": "page",
    "payment_method": "payment",
    "promotion": "promotion",
    "promotion_kind": "promotion",
    "run_status": "status",
    "segment": "segment",
    "severity": "severity",
    "status": "status",
    "step": "step",
    "system": "system",
    "verdict": "verdict",
}


def show_table(
    view: View,
    table: pa.Table,
    name: str,
    *,
    title: str,
    columns: Sequence[str] | None = None,
    money: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
) -> None:
    """Show the first rows of a table, and let all of it be downloaded.

    Args:
        view: The page.
        table: The rows, in the order they are shown.
        name: Its name in file names and keys; one table of a page each.
        title: What it is, for screen readers and as the name of the sheet.
        columns: The columns shown; all by default. Downloads have all.
        money: Further columns in BRL.
        links: Columns of addresses, with the words shown for each.
    """
    if not table.num_rows:
        empty(view.text)
        return
    shown = table.select(list(columns)) if columns else table
    shown = shown.slice(0, _MOST_ROWS)
    frame = frame_of(shown)
    formats = {column: _format(view.text, shown.schema.field(column), set(money) | _MONEY) for column in frame.columns}
    styled = frame.style.format(formats, na_rep=NOTHING)
    settings: dict[str, Any] = {
        column: st.column_config.Column(label_of(view.text, column)) for column in shown.column_names
    }
    for column, words in (links or {}).items():
        settings[column] = st.column_config.LinkColumn(label_of(view.text, column), display_text=words)
    st.dataframe(styled, hide_index=True, column_config=settings, alt=title, placeholder=NOTHING, key=f"table-{name}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(_size(view.text, table), width="stretch")
        for form, content, mime in (
            ("csv", partial(encode, table, "csv"), "text/csv"),
            ("xlsx", partial(encode_sheet, table, title), _EXCEL),
        ):
            st.download_button(
                view.text(f"download.{form}"),
                content,
                file_name=f"gondola_{name}.{form}",
                mime=mime,
                key=f"download-{name}-{form}",
                help=view.text("download.help", title=title, form=view.text(f"download.{form}")),
                icon=":material/download:",
                on_click="ignore",
                type="tertiary",
            )


def frame_of(table: pa.Table) -> pd.DataFrame:
    """A table as pandas and Altair know it: exact numbers become floats, which is enough for showing them.

    Args:
        table: The rows.
    """
    columns = [column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column for column in table.columns]
    return pa.table(columns, names=table.column_names).to_pandas(timestamp_as_object=True, date_as_object=True)


def label_of(text: Text, column: str) -> str:
    """What a column is called.

    Args:
        text: The language.
        column: Its name in the data.
    """
    return text(f"column.{column}")


def _size(text: Text, table: pa.Table) -> str:
    if table.num_rows <= _MOST_ROWS:
        return text("table.rows", rows=text.number(table.num_rows))
    return text("table.first", shown=text.number(_MOST_ROWS), rows=text.number(table.num_rows))


def _format(text: Text, field: pa.Field, money: set[str]) -> Callable[[Any], str]:
    kind, name = field.type, field.name
    if name in _NAMES:
        return partial(_named, text, _NAMES[name])
    for fits, form in (
        (name in money, text.money),
        (name.endswith(_SHARES), text.percent),
        (name.startswith("bytes") or name.endswith("_bytes"), text.size),
        (pa.types.is_boolean(kind), text.yes_no),
        (pa.types.is_timestamp(kind), text.moment),
        (pa.types.is_date(kind), text.day),
        ("percent" in name, partial(_per_cent, text)),
        (name.endswith("_id"), str),
        (pa.types.is_integer(kind), text.number),
        (pa.types.is_decimal(kind) or pa.types.is_floating(kind), partial(text.number, decimals=2)),
    ):
        if fits:
            return form
    return str


def _named(text: Text, kind: str, value: str | None) -> str:
    return NOTHING if value is None else text.name_of(kind, value)


def _per_cent(text: Text, value: float | None) -> str:
    return text.percent(None if value is None else value / 100)
