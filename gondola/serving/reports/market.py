"""The report of the shelves: what a buyer wants to know of the last days, in one workbook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from gondola.serving.reads import Answer, Snapshot, changes, comparisons, operations, prices, promotions, stores
from gondola.serving.reads import index as price_index
from gondola.serving.reports.book import Book, Column, Sheet, Span
from gondola.serving.reports.texts import Language, Texts

__all__ = ["ReportSummary", "write_report"]

_STORE = (Column("supermarket", width=12), Column("region", width=16))
_PRODUCT = (
    Column("product_name", width=46, link="link"),
    Column("brand", width=18),
    Column("department", width=18),
)
_CHANGES = (
    Column("kind", "word", 10),
    *_STORE,
    *_PRODUCT,
    Column("previous_price", "money"),
    Column("price", "money"),
    Column("change_amount", "money"),
    Column("change_percent", "percent", 10),
    Column("gtin", width=16),
    Column("sku_id", width=10),
)
_PROMOTIONS = (
    *_STORE,
    *_PRODUCT,
    Column("promotion", "word"),
    Column("price", "money"),
    Column("reference_price", "money"),
    Column("claimed_percent", "percent"),
    Column("lowest_price_30_days", "money"),
    Column("percent_below_lowest", "percent"),
    Column("verdict", "word", 24),
    Column("days_observed", "number", 10),
    Column("offer_since", "date", 12),
    Column("gtin", width=16),
)
_UNIT_PRICES = (
    *_STORE,
    *_PRODUCT,
    Column("price", "money"),
    Column("measurement_unit", width=8),
    Column("unit_price", "money"),
    Column("price_unit", width=6),
    Column("unit_price_source", "word", 12),
    Column("gtin", width=16),
)
_AVAILABILITY = (
    *_STORE,
    Column("product_name", width=46),
    Column("brand", width=18),
    Column("department", width=18),
    Column("availability", "share", title="share_available"),
    Column("days_available", "number", 10),
    Column("days_listed", "number", 10),
    Column("days_observed", "number", 10),
    Column("last_available_date", "date"),
)
_SAME_PRODUCT = (
    Column("gtin", width=16),
    Column("product_name", width=46),
    Column("brand", width=18),
    Column("chains", "number", 8),
    Column("lowest_price", "money"),
    Column("lowest_at", width=24),
    Column("highest_price", "money"),
    Column("highest_at", width=24),
    Column("spread_percent", "percent", 10),
)
_BASKETS = (
    Column("shelf", width=26),
    Column("items_compared", "number"),
    Column("total", "money"),
    Column("percent_above_cheapest", "percent"),
    Column("percent_from_mean", "percent"),
)
_MOVES = (
    *_STORE,
    Column("up", "number", title="up"),
    Column("down", "number", title="down"),
    Column("new", "number", title="new"),
    Column("gone", "number", title="gone"),
    Column("sold_out", "number", title="sold_out"),
    Column("back", "number", title="back"),
    Column("compared", "number"),
    Column("mean_change_percent", "percent"),
)
_INDEX = (
    Column("period", "date", title="period_start"),
    Column("index", "decimal"),
    Column("items", "number"),
    Column("share_matched", "share"),
    Column("products_available", "number"),
)
_RUNS = (
    Column("price_date", "date", 12),
    *_STORE,
    Column("status", "word", 12),
    Column("coverage", "share", title="share_received"),
    Column("received_products", "number"),
    Column("expected_products", "number"),
    Column("rejected_skus", "number"),
    Column("error", width=60),
)
_CHECKS = (
    Column("business_date", "date", 12),
    Column("check_name"),
    Column("subject"),
    Column("severity", "word"),
    Column("expected"),
    Column("actual"),
)


@dataclass(frozen=True, slots=True)
class _Period:
    """The days a report looks at; None where nothing was ever crawled."""

    days: int
    first: date | None
    day: date | None
    since: date | None  # the day that prices are compared with: the last before the period, or the first there is

    @classmethod
    def of(cls, snapshot: Snapshot, days: int) -> _Period:
        day = stores.latest_day(snapshot)
        if day is None:
            return cls(days, None, None, None)
        first = day - timedelta(days=days - 1)
        since = changes.previous_day(snapshot, first) or stores.first_day(snapshot)
        return cls(days, first, day, since if since != day else None)


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What a report came to."""

    path: Path
    version: str
    day: date | None  # the last day it tells of
    since: date | None  # the day that prices are compared with
    rows: dict[str, int]  # by sheet


def write_report(
    snapshot: Snapshot, path: Path, *, days: int = 7, language: Language = Language.PORTUGUESE
) -> ReportSummary:
    """Write the workbook of the last days.

    Args:
        snapshot: The version it is made from.
        path: The file; an earlier one is replaced once the new one is whole.
        days: How many days it looks at, up to the newest.
        language: Its language.

    Returns:
        What it came to; of an empty warehouse, sheets without rows.
    """
    texts = Texts(language)
    period = _Period.of(snapshot, days)
    day, since = period.day, period.since
    seen = stores.coverage(snapshot, day)
    with Book(path, texts) as book:
        with book.sheet("summary") as sheet:
            sheet.line(texts["title"], style="title")
            between = texts["days_compared"].format(since=since, day=day) if since else texts["nothing"]
            published = snapshot.version.published_at
            share = "" if seen.share is None else f" ({seen.share:.1%})"
            for name, value in {
                "as_of": str(day or texts["nothing"]),
                "period": between,
                "published": f"{published:%Y-%m-%d %H:%M} UTC" if published else "",
                "version": snapshot.version.name,
                "coverage": texts.value(seen.status) + share,
                "missing": ", ".join(seen.missing) or texts["none_missing"],
            }.items():
                sheet.line(texts[name], value, style="heading")
            _summary(book, sheet, snapshot, period)
        rows = _sheets(book, snapshot, period)
    return ReportSummary(path, snapshot.version.name, day, since, rows)


def _summary(book: Book, sheet: Sheet, snapshot: Snapshot, period: _Period) -> None:
    texts = book.texts
    sheet.space()
    sheet.line(texts["moves"], style="heading")
    moved = sheet.table(_MOVES, changes.summary(snapshot, day=period.day, since=period.since).rows)
    sheet.space()
    sheet.line(texts["index_chart"], style="heading")
    levels = sheet.table(_INDEX, _index_rows(snapshot, period))
    sheet.worksheet.set_column(0, 0, 26)
    sheet.worksheet.set_column(1, len(_MOVES) - 1, 15)
    row = levels.last + 3
    if not moved.is_empty:
        stores_axis = [moved.sheet, moved.first, 0, moved.last, 1]
        series = [(texts[name], stores_axis, moved.cells(name)) for name in ("up", "down")]
        sheet.worksheet.insert_chart(row, 0, book.chart("bar", texts["up_down_chart"], series))
    if not levels.is_empty:
        for place, (name, title) in enumerate((("index", "index_chart"), ("products_available", "counts_chart"))):
            series = [(texts[name], levels.cells("period"), levels.cells(name))]
            sheet.worksheet.insert_chart(row + 16 * place, 5, book.chart("line", texts[title], series))


def _index_rows(snapshot: Snapshot, period: _Period) -> pa.Table:
    index = price_index.price_index(snapshot, period="day", first=period.first, last=period.day).rows
    counts = prices.product_counts(snapshot, days=period.days, last=period.day).rows
    by_day = counts.group_by("price_date").aggregate([("products_available", "sum")])
    by_day = by_day.rename_columns(["period", "products_available"])
    return index.join(by_day, "period", join_type="left outer").sort_by("period")


def _sheets(book: Book, snapshot: Snapshot, period: _Period) -> dict[str, int]:
    texts, day, days = book.texts, period.day, period.days
    rows: dict[str, int] = {}

    def fill(key: str, columns: tuple[Column, ...], answer: Answer, *, note: str | None = None) -> Span:
        with book.sheet(key) as sheet:
            if note:
                sheet.line(texts[note])
            rows[key] = answer.rows.num_rows
            span = sheet.table(columns, answer.rows, main=True)
            _colour(sheet, span)
            return span

    fill("changes", _CHANGES, changes.between(snapshot, day=day, since=period.since))
    offers = promotions.promotions(snapshot, day=day)
    fill("promotions", _PROMOTIONS, _named(offers), note="yardstick")
    rows["stores"] = _stores(book, snapshot, day)
    fill("same_product", _SAME_PRODUCT, comparisons.elsewhere(snapshot, day=day), note="like_for_like")
    shelf = prices.shelf(snapshot, day=day)
    known = shelf.rows.filter(pc.is_valid(shelf.rows["unit_price"]))
    fill("unit_prices", _UNIT_PRICES, Answer(known, shelf.version, shelf.coverage))
    fill("availability", _AVAILABILITY, prices.availability(snapshot, days=days, last=day))
    with book.sheet("quality") as sheet:
        sheet.line(texts["checks"], style="heading")
        sheet.table(_CHECKS, operations.checks(snapshot, days=days, failed_only=True).rows)
        sheet.space()
        sheet.line(texts["runs"], style="heading")
        runs = stores.days(snapshot, period.first or date.min, day or date.min).rows
        sheet.table(_RUNS, runs, main=True)
        rows["quality"] = runs.num_rows
    return rows


def _named(answer: Answer) -> Answer:
    # A reduced price alone is called `price`, which is a column's word here.
    kinds = [name if name != "price" else "price_cut" for name in answer.rows["promotion"].to_pylist()]
    place = answer.rows.column_names.index("promotion")
    named = answer.rows.set_column(place, "promotion", pa.array(kinds, pa.string()))
    return Answer(named, answer.version, answer.coverage)


def _stores(book: Book, snapshot: Snapshot, day: date | None) -> int:
    """The basket of all stores, and a department a row with a column for each chain."""
    found = comparisons.position(snapshot, day=day).rows.to_pylist()
    chains = sorted({row["supermarket"] for row in found})
    cells: dict[str, dict[str, object]] = {}
    for row in found:
        name = book.texts["all_departments"] if row["is_total"] else row["department"] or ""
        cells.setdefault(name, {"department": name})[row["supermarket"]] = row["position"]
    table = pa.Table.from_pylist(
        list(cells.values()),
        pa.schema([("department", pa.string()), *((chain, pa.decimal128(9, 2)) for chain in chains)]),
    )
    with book.sheet("stores") as sheet:
        sheet.line(book.texts["baskets"], style="heading")
        sheet.table(_BASKETS, comparisons.basket(snapshot, day=day).totals.rows)
        sheet.space()
        sheet.line(book.texts["positions"], style="heading")
        sheet.line(book.texts["like_for_like"])
        columns = [Column("department", width=26), *(Column(chain, "decimal", title=chain) for chain in chains)]
        span = sheet.table(columns, table, main=True)
        if not span.is_empty:
            scale = {"type": "3_color_scale", "mid_type": "num", "mid_value": 100}
            colours = {"min_color": "#63BE7B", "mid_color": "#FFFFFF", "max_color": "#F8696B"}
            sheet.worksheet.conditional_format(span.first, 1, span.last, len(chains), scale | colours)
    return len(cells)


def _colour(sheet: Sheet, span: Span) -> None:
    """Dearer is red, cheaper is green."""
    if "change_percent" not in span.columns or span.is_empty:
        return
    place = span.columns.index("change_percent")
    for criteria, colour in ((">", "#C00000"), ("<", "#007A33")):
        style = sheet.style({"font_color": colour})
        rule = {"type": "cell", "criteria": criteria, "value": 0, "format": style}
        sheet.worksheet.conditional_format(span.first, place, span.last, place, rule)
