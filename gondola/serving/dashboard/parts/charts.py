"""Charts that can be read by eye, by screen reader, and as a table."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import altair as alt
import pyarrow as pa
import streamlit as st

from gondola.serving.dashboard.parts.states import empty
from gondola.serving.dashboard.parts.tables import frame_of, label_of, show_table
from gondola.serving.dashboard.view import View

__all__ = ["axis_of", "bars", "heat_map", "lines", "show_chart"]

_HEIGHT = 320
_ROW_HEIGHT = 28
_AXIS_HEIGHT = 70
_FEW_DAYS = 10

AnyChart: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart
Format = Literal["number", "decimal", "money", "percent"]
_FORMATS: dict[str, str] = {"number": ",.0f", "decimal": ",.2f", "money": "$,.2f", "percent": ".1%"}


def show_chart(view: View, chart: AnyChart, table: pa.Table, name: str, *, title: str, summary: str) -> None:
    """Show a chart with its title, what it says in words, and its figures as a table.

    Args:
        view: The page.
        chart: The chart.
        table: The figures it shows.
        name: Its name in file names and keys; one chart of a page each.
        title: What it shows.
        summary: What it says, for those who can't see it and for those in a hurry.
    """
    st.subheader(title, anchor=False)
    if not table.num_rows:
        empty(view.text)
        return
    st.altair_chart(chart.configure(locale=view.text.chart_locale()), alt=f"{title}. {summary}", key=f"chart-{name}")
    st.caption(summary)
    with st.expander(view.text("chart.as_table"), icon=":material/table:"):
        show_table(view, table, name, title=title)


def lines(
    view: View, table: pa.Table, *, x: str, y: str, series: str | None = None, form: Format = "number",
    steps: bool = False, zero: bool = False,
) -> AnyChart:  # fmt: skip
    """Values over time; series differ by colour and dash.

    Args:
        view: The page.
        table: A row for each day and series.
        x: The column of days.
        y: The column of values.
        series: The column that tells lines apart.
        form: How values are written.
        steps: Whether a value holds until the next.
        zero: Whether the axis begins at 0.
    """
    chart = alt.Chart(frame_of(table)).mark_line(
        point=alt.OverlayMarkDef(size=45), interpolate="step-after" if steps else "linear"
    )
    encodings: dict[str, Any] = {
        "x": alt.X(f"{x}:T", title=None, axis=_days_axis(table, x)),
        "y": alt.Y(f"{y}:Q", title=label_of(view.text, y), axis=axis_of(form), scale=alt.Scale(zero=zero)),
        "tooltip": [
            alt.Tooltip(f"{x}:T", title=label_of(view.text, x), format="%x"),
            alt.Tooltip(f"{y}:Q", title=label_of(view.text, y), format=_FORMATS[form]),
        ],
    }
    if series:
        legend = alt.Legend(
            orient="bottom",
            title=None,
            columns=3,
            labelLimit=260,
            symbolType="stroke",
            symbolSize=500,
            symbolStrokeWidth=2,
        )
        encodings["color"] = alt.Color(f"{series}:N", legend=legend)
        encodings["strokeDash"] = alt.StrokeDash(f"{series}:N", legend=legend)
        encodings["tooltip"].insert(0, alt.Tooltip(f"{series}:N", title=label_of(view.text, series)))
    drawn: AnyChart = chart.encode(**encodings).properties(height=_HEIGHT)
    return drawn


def bars(
    view: View, table: pa.Table, *, value: str, name: str, form: Format = "number", colour: str | None = None
) -> AnyChart:
    """Values side by side, in the table's order, each written beside its bar.

    Args:
        view: The page.
        table: A row for each bar.
        value: The column of values.
        name: The column of names.
        form: How values are written.
        colour: A column of two kinds to tell apart.
    """
    base = alt.Chart(frame_of(table)).encode(
        y=alt.Y(f"{name}:N", sort=None, title=None, axis=_names_axis(220)),
        x=alt.X(f"{value}:Q", title=label_of(view.text, value), axis=axis_of(form)),
        tooltip=[
            alt.Tooltip(f"{name}:N", title=label_of(view.text, name)),
            alt.Tooltip(f"{value}:Q", title=label_of(view.text, value), format=_FORMATS[form]),
        ],
    )
    bar = base.mark_bar(cornerRadiusEnd=2)
    if colour:
        bar = bar.encode(color=alt.Color(f"{colour}:N", legend=alt.Legend(orient="bottom", title=None)))
    # Gray is readable in light and dark.
    numbers = base.mark_text(align="left", dx=4, color="gray").encode(
        text=alt.Text(f"{value}:Q", format=_FORMATS[form])
    )
    return alt.layer(bar, numbers).properties(height=table.num_rows * _ROW_HEIGHT + _AXIS_HEIGHT)


def heat_map(
    view: View, table: pa.Table, *, x: str, y: str, value: str, form: Format = "percent", middle: float | None = None
) -> AnyChart:
    """Values in a grid, each written in its cell.

    Args:
        view: The page.
        table: A row for each cell.
        x: The column across.
        y: The column down.
        value: The column of values.
        form: How values are written.
        middle: The value between two colours, for values that lie on both sides of it.
    """
    # Both scales are readable in light and dark, and by those who tell no red from green.
    frame = frame_of(table)
    values = frame[value].dropna()
    scale = alt.Scale(scheme="viridis")
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if middle is not None:
        reach = max(abs(low - middle), abs(high - middle), 1e-9)
        scale = alt.Scale(scheme="blueorange", domain=[middle - reach, middle + reach], domainMid=middle)
        dark = f"abs(datum['{value}'] - {middle}) > {reach * 0.6}"
    else:
        dark = f"datum['{value}'] < {low + (high - low) * 0.55}"
    base = alt.Chart(frame).encode(
        x=alt.X(f"{x}:N", sort=None, title=label_of(view.text, x), axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y(f"{y}:N", sort=None, title=None, axis=_names_axis(160)),
        tooltip=[
            alt.Tooltip(f"{y}:N", title=label_of(view.text, y)),
            alt.Tooltip(f"{x}:N", title=label_of(view.text, x)),
            alt.Tooltip(f"{value}:Q", title=label_of(view.text, value), format=_FORMATS[form]),
        ],
    )
    cells = base.mark_rect(stroke="gray", strokeWidth=0.3).encode(
        color=alt.Color(f"{value}:Q", scale=scale, legend=None)
    )
    written = base.mark_text(fontSize=11).encode(
        text=alt.Text(f"{value}:Q", format=_FORMATS[form]),
        color=alt.condition(dark, alt.value("white"), alt.value("black")),
    )
    rows = len(frame[y].unique())
    return alt.layer(cells, written).properties(height=rows * _ROW_HEIGHT + _AXIS_HEIGHT)


def axis_of(form: Format) -> alt.Axis:
    """An axis whose numbers are written in the reader's language.

    Args:
        form: How they are written.
    """
    short = {"number": "~s", "decimal": ",.2~f", "money": "$,.2f", "percent": ".0%"}
    return alt.Axis(format=short[form], labelOverlap=True, tickCount=6)


def _names_axis(limit: int) -> alt.Axis:
    """Names down the side: every one of them, in the middle of its row."""
    return alt.Axis(labelLimit=limit, labelOverlap=False, labelBound=False, labelFlush=False)


def _days_axis(table: pa.Table, column: str) -> alt.Axis:
    """Days along the bottom; of a few days none is written twice."""
    days = len(set(table[column].to_pylist()))
    count: Any = {"interval": "day", "step": 1} if days <= _FEW_DAYS else 8
    return alt.Axis(format="%d %b", labelOverlap=True, tickCount=count)
