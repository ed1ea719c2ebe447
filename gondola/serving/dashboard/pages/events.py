"""How the web shop does: visitors, funnel, products, who comes back, and where orders come from."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import streamlit as st

from gondola.serving.dashboard.parts.charts import Format, bars, heat_map, lines, show_chart
from gondola.serving.dashboard.parts.figures import Figure, show_figures
from gondola.serving.dashboard.parts.filters import choose, choose_one, period
from gondola.serving.dashboard.parts.header import about
from gondola.serving.dashboard.parts.states import not_loaded
from gondola.serving.dashboard.parts.tables import show_table
from gondola.serving.dashboard.view import View
from gondola.serving.reads import events

__all__ = ["show"]

_MEASURES: dict[str, Format] = {
    "sessions": "number",
    "daily_active_users": "number",
    "weekly_active_users": "number",
    "orders": "number",
    "revenue": "decimal",
    "conversion_rate": "percent",
    "bounce_rate": "percent",
}


def show(view: View) -> None:
    """Draw the page."""
    text = view.text
    span = view.read(events.span)
    if span.first is None or span.last is None:
        not_loaded(text, "events")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = period(text, options=("7", "30", "90", "all"))
        departments = view.read(events.departments)
        department = choose(text, "department", departments, label=text("column.department"))
    last = span.last
    first = max(last - timedelta(days=days - 1), span.first) if days else span.first
    daily = view.read(events.daily, first, last).rows
    _about(view, first, last, daily)
    length = last - first
    before = view.read(events.daily, first - length - timedelta(days=1), first - timedelta(days=1)).rows
    _figures(view, daily, before)
    _trend(view, daily)
    _funnel(view, first, last)
    st.subheader(text("events.products"), anchor=False)
    performance = view.read(events.performance, first, last, department=department).rows
    show_table(view, performance, "products", title=text("events.products"))
    _cohorts(view)
    _sources(view, first, last)
    st.subheader(text("events.segments"), anchor=False)
    st.caption(text("events.segments_help"))
    show_table(view, view.read(events.segments).rows, "segments", title=text("events.segments"))


def _about(view: View, first: date, last: date, daily: pa.Table) -> None:
    text = view.text
    rows = daily.to_pylist()
    lost = [row["day"] for row in rows if row["sessions"] is None]
    unknown = sum(row["unknown_price_units"] or 0 for row in rows)
    loads = view.read(events.loads).rows.to_pylist()
    missing = [text("events.day_missing", day=text.day(day)) for day in lost]
    missing += [
        text(
            "events.load_not_whole", day=text.day(load["business_date"]), status=text.name_of("status", load["status"])
        )
        for load in loads[:1]
        if load["status"] != "complete"
    ]
    rejected = sum(load["rejected_rows"] or 0 for load in loads)
    if rejected:
        missing.append(text("events.rejected", rows=text.number(rejected)))
    if unknown:
        missing.append(text("events.unknown_prices", units=text.number(unknown)))
    coverage = text("events.coverage", seen=text.number(len(rows) - len(lost)), all=text.number(len(rows)))
    as_of = text("events.as_of", first=text.day(first), last=text.day(last))
    about(view, as_of=as_of, coverage=coverage, missing=missing)


def _figures(view: View, daily: pa.Table, before: pa.Table) -> None:
    text = view.text
    now, then = _totals(daily), _totals(before)

    def figure(name: str, value: str) -> Figure:
        change = None
        if then["days"] == now["days"] and now[name] is not None and then[name]:
            change = text.percent(now[name] / then[name] - 1)
        return Figure(text(f"column.{name}"), value, change and text("events.against", change=change), "up")

    show_figures(
        [
            figure("sessions", text.number(now["sessions"])),
            figure("orders", text.number(now["orders"])),
            figure("conversion_rate", text.percent(now["conversion_rate"])),
            figure("revenue", text.number(now["revenue"], 2)),
            figure("revenue_per_order", text.number(now["revenue_per_order"], 2)),
            figure("monthly_active_users", text.number(now["monthly_active_users"])),
        ]
    )


def _totals(daily: pa.Table) -> dict[str, Any]:
    rows = [row for row in daily.to_pylist() if row["sessions"] is not None]
    sessions = sum(row["sessions"] for row in rows)
    orders = sum(row["orders"] for row in rows)
    converted = sum(row["sessions"] * row["conversion_rate"] for row in rows if row["conversion_rate"] is not None)
    known = [row["revenue"] for row in rows if row["revenue"] is not None]
    revenue = sum(known, Decimal(0)) if known else None
    return {
        "days": len(rows),
        "sessions": sessions if rows else None,
        "orders": orders if rows else None,
        "conversion_rate": converted / sessions if sessions else None,
        "revenue": revenue,
        "revenue_per_order": revenue / orders if orders and revenue is not None else None,
        "monthly_active_users": rows[-1]["monthly_active_users"] if rows else None,
    }


def _trend(view: View, daily: pa.Table) -> None:
    text = view.text
    measure = choose_one(
        text, "measure", list(_MEASURES), label=text("filter.measure"), default="sessions",
        show=lambda name: text(f"column.{name}"),
    )  # fmt: skip
    table = daily.select(["day", measure])
    known = [(row["day"], row[measure]) for row in table.to_pylist() if row[measure] is not None]
    said = text("state.empty")
    if known:
        high, low = max(known, key=lambda item: item[1]), min(known, key=lambda item: item[1])
        said = text(
            "events.trend_summary",
            high=_say(view, measure, high[1]),
            high_day=text.day(high[0]),
            low=_say(view, measure, low[1]),
            low_day=text.day(low[0]),
            newest=_say(view, measure, known[-1][1]),
        )
    chart = lines(view, table, x="day", y=measure, form=_MEASURES[measure], zero=True)
    title = text("events.trend", measure=text(f"column.{measure}"))
    show_chart(view, chart, table, "trend", title=title, summary=said)


def _say(view: View, measure: str, value: Any) -> str:
    form = _MEASURES[measure]
    if form == "percent":
        return view.text.percent(value)
    return view.text.number(value, 2 if form == "decimal" else 0)


def _funnel(view: View, first: date, last: date) -> None:
    text = view.text
    rows = view.read(events.funnel, first=first, last=last).rows
    steps = [text.name_of("step", step) for step in rows["step"].to_pylist()]
    table = rows.set_column(rows.column_names.index("step"), "step", pa.array(steps, pa.string()))
    found = table.to_pylist()
    said = text("state.empty")
    if found:
        worst = min((row for row in found if row["share_of_step_before"] is not None), default=None,
                    key=lambda row: row["share_of_step_before"])  # fmt: skip
        said = text(
            "events.funnel_summary",
            start=text.number(found[0]["sessions_reached"]),
            end=text.number(found[-1]["sessions_reached"]),
            share=text.percent(found[-1]["share_of_first_step"]),
            step=worst["step"].lower() if worst else "",
            lost=text.percent(1 - worst["share_of_step_before"] if worst else None),
        )
    chart = bars(view, table, value="sessions_reached", name="step")
    show_chart(view, chart, table, "funnel", title=text("events.funnel"), summary=said)


def _cohorts(view: View) -> None:
    text = view.text
    rows = view.read(events.cohorts).rows
    weeks = [text.day(day) for day in rows["cohort_week"].to_pylist()]
    after = [text("events.week", number=str(number)) for number in rows["week_number"].to_pylist()]
    table = pa.table(
        {
            "cohort": pa.array(weeks, pa.string()),
            "week": pa.array(after, pa.string()),
            "cohort_users": rows["cohort_users"],
            "active_users": rows["active_users"],
            "retention_rate": rows["retention_rate"],
        }
    )
    later = [row for row in rows.to_pylist() if row["week_number"] == 1 and row["cohort_users"]]
    users = sum(row["cohort_users"] for row in later)
    share = Decimal(sum(row["active_users"] for row in later)) / users if users else None
    said = text("events.cohorts_summary", share=text.percent(share), users=text.number(users))
    chart = heat_map(view, table, x="week", y="cohort", value="retention_rate")
    show_chart(view, chart, table, "cohorts", title=text("events.cohorts"), summary=said)


def _sources(view: View, first: date, last: date) -> None:
    text = view.text
    found = view.read(events.attribution, first=first, last=last, touch="last").rows.to_pylist()
    sums: dict[str, dict[str, Any]] = {}
    for row in found:
        source = f"{row['utm_source']} / {row['utm_medium']}"
        total = sums.setdefault(source, {"source": source, "orders": 0, "revenue": None})
        total["orders"] += row["orders"]
        if row["revenue"] is not None:
            total["revenue"] = (total["revenue"] or Decimal(0)) + row["revenue"]
    ranked = sorted(sums.values(), key=lambda row: (-(row["revenue"] or 0), row["source"]))
    schema = pa.schema({"source": pa.string(), "orders": pa.int64(), "revenue": pa.decimal128(18, 2)})
    table = pa.Table.from_pylist(ranked, schema=schema)
    said = text("state.empty")
    if ranked:
        said = text("events.sources_summary", source=ranked[0]["source"], revenue=text.number(ranked[0]["revenue"], 2))
    chart = bars(view, table, value="revenue", name="source", form="decimal")
    show_chart(view, chart, table, "sources", title=text("events.sources"), summary=said)
