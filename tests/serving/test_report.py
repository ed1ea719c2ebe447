"""The workbook, opened again: its figures are those of SQL, and it is one that a person can work with."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from gondola.serving.query import run_query
from gondola.serving.reads import PublishedCopies, Snapshot
from gondola.serving.reports import Language, ReportSummary, write_report
from gondola.serving.reports import book as books
from gondola.serving.reports.book import Book, Column
from gondola.serving.reports.texts import Texts, translated
from storage.lake import Lake
from storage.records import read_runs
from tests.serving.conftest import FIRST, LAST, Published
from tests.serving.versions import publish_version, settings_for


@pytest.fixture(scope="module")
def made(published: Published, tmp_path_factory: pytest.TempPathFactory) -> tuple[ReportSummary, openpyxl.Workbook]:
    path = tmp_path_factory.mktemp("report") / "week.xlsx"
    with PublishedCopies(published.settings) as copies, copies.snapshot() as snapshot:
        summary = write_report(snapshot, path, days=3, language=Language.ENGLISH)
    return summary, openpyxl.load_workbook(path)


def table(sheet: Worksheet) -> list[dict[str, Any]]:
    """The rows below the head that can be filtered."""
    first, last = re.findall(r"[A-Z]+(\d+)", sheet.auto_filter.ref)
    head, *rows = sheet.iter_rows(min_row=int(first), max_row=int(last), values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def sql(published: Published, statement: str, **parameters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = run_query(published.settings, statement, parameters=parameters or None).to_pylist()
    return rows


def cents(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(round(value, 4))).quantize(Decimal("0.0001"))


def test_every_sheet_is_there_and_can_be_worked_with(made: tuple[ReportSummary, openpyxl.Workbook]) -> None:
    summary, book = made
    names = ["summary", "changes", "promotions", "stores", "same_product", "unit_prices", "availability", "quality"]
    texts = Texts(Language.ENGLISH)
    assert book.sheetnames == [texts[name] for name in names]
    for name in ("changes", "promotions", "same_product", "unit_prices", "availability"):
        sheet = book[texts[name]]
        assert len(table(sheet)) == summary.rows[name] > 0, name
        assert sheet.freeze_panes, name
        assert sheet.column_dimensions["A"].width
    assert len(book["Summary"]._charts) == 3


def test_changes_are_those_of_the_facts(made: tuple[ReportSummary, openpyxl.Workbook], published: Published) -> None:
    summary, book = made
    assert (summary.since, summary.day) == (published.world.date_of(FIRST), published.world.date_of(LAST))
    truth = sql(
        published,
        """
        select b.supermarket, b.region, b.sku_id, a.price as before, b.price as now
        from market.fct_prices_daily a join market.fct_prices_daily b using (supermarket, region, sku_id)
        where a.price_date = $since and b.price_date = $day and a.price <> b.price
        """,
        since=summary.since,
        day=summary.day,
    )
    rows = [row for row in table(book["Price changes"]) if row["Change"] in {"up", "down"}]
    assert {(r["Chain"], r["Region"], r["SKU"], cents(r["Price before"]), cents(r["Price"])) for r in rows} == {
        (r["supermarket"], r["region"], r["sku_id"], r["before"], r["now"]) for r in truth
    }
    assert len(rows) == len(truth) > 0
    for row in rows:
        assert row["Change %"] == pytest.approx(row["Price"] / row["Price before"] - 1, abs=6e-5)


def test_offers_unit_prices_and_availability_are_those_of_the_facts(
    made: tuple[ReportSummary, openpyxl.Workbook], published: Published
) -> None:
    summary, book = made
    day = {"day": summary.day}
    (offers,) = sql(
        published,
        "select count(*) as n from market.fct_prices_daily where price_date = $day and is_available and (list_price > "
        "price or price_without_discount > price or promotion_kind is not null)",
        **day,
    )
    rows = table(book["Promotions"])
    assert len(rows) == offers["n"]
    assert {row["Against the lowest"] for row in rows} == {"unknown"}
    assert all(row["Lowest price in 30 days"] is None for row in rows)
    by_weight = sql(
        published,
        "select supermarket, region, count(price) as n, sum(price) as total from market.fct_prices_daily "
        "where price_date = $day and measurement_unit = 'kg' group by all",
        **day,
    )
    weighed = [row for row in table(book["Unit prices"]) if row["Source of the size"] == "the store's"]
    found: Counter[tuple[str, str]] = Counter()
    for row in weighed:
        assert row["Unit price"] == row["Price"]
        found[row["Chain"], row["Region"]] += 1
    assert found == {(r["supermarket"], r["region"]): r["n"] for r in by_weight}
    assert all(0 <= row["Availability"] <= 1 for row in table(book["Availability"]))
    (listed,) = sql(
        published,
        "select count(distinct (supermarket, region, sku_id)) as n from market.fct_prices_daily "
        "where price_date > $day - 3",
        **day,
    )
    assert len(table(book["Availability"])) == listed["n"]


def test_products_lead_to_their_pages(made: tuple[ReportSummary, openpyxl.Workbook], published: Published) -> None:
    sheet = made[1]["Price changes"]
    shops = {row["supermarket"]: row["base_url"] for row in sql(published, "select * from market.dim_stores")}
    products = sql(published, "select supermarket, sku_id, link from market.dim_products")
    assert {row["link"][0] for row in products} == {"h", "/"}, "some stores give addresses without the shop's own"
    links = {
        (row["supermarket"], row["sku_id"]): row["link"]
        if row["link"].startswith("http")
        else shops[row["supermarket"]] + row["link"]
        for row in products
    }
    rows = list(sheet.iter_rows(min_row=2))
    found = [row[3].hyperlink.target if row[3].hyperlink else None for row in rows]
    assert found == [links[row[1].value, row[11].value] for row in rows]
    assert any(found)


def test_both_languages_say_everything(published: Published, tmp_path: Path) -> None:
    assert all(portuguese and english for portuguese, english in translated().values())
    with PublishedCopies(published.settings) as copies, copies.snapshot() as snapshot:
        write_report(snapshot, tmp_path / "semana.xlsx", days=3)
    book = openpyxl.load_workbook(tmp_path / "semana.xlsx")
    assert book.sheetnames[1] == "Mudanças de preço"
    assert {row["Mudança"] for row in table(book["Mudanças de preço"])} <= {
        "alta", "queda", "novo", "retirado", "esgotado", "de volta",
    }  # fmt: skip
    assert not [cell.value for sheet in book for row in sheet for cell in row if "_" in str(cell.value or "")[:8] and
                str(cell.value) in translated()]  # fmt: skip


def test_text_is_never_a_formula_and_unknown_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "MOST_ROWS", 3)
    rows = pa.table(
        {
            "product_name": ["=1+1", "\x00@SUM(A1)", "http://x", "left out"],
            "link": ["javascript:alert(1)", None, "https://shop.test/p?a=1", None],
            "price": pa.array([Decimal("0.10"), None, Decimal("1234567.89"), None], pa.decimal128(18, 4)),
        }
    )
    with Book(tmp_path / "x.xlsx", Texts(Language.ENGLISH)) as book, book.sheet("changes") as sheet:
        sheet.table([Column("product_name", link="link"), Column("price", "money")], rows, main=True)
    made = openpyxl.load_workbook(tmp_path / "x.xlsx")["Price changes"]
    cells = list(made.iter_rows(min_row=3))
    assert made["A1"].value == "3 of 4 rows are shown; the API and SQL have all."
    assert [row[0].data_type for row in cells] == ["s", "s", "s"]
    assert cells[0][0].value == "=1+1"
    assert [row[1].value for row in cells] == [0.1, None, 1234567.89]
    assert [row[0].hyperlink.target if row[0].hyperlink else None for row in cells] == [
        None,
        None,
        "https://shop.test/p?a=1",
    ]


def test_a_failed_report_leaves_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    path.write_bytes(b"the last one")

    def fail() -> None:
        with Book(path, Texts(Language.ENGLISH)) as book, book.sheet("changes") as sheet:
            sheet.line("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [file.name for file in tmp_path.iterdir()] == ["report.xlsx"]
    assert path.read_bytes() == b"the last one"


def test_a_warehouse_without_days_gives_sheets_without_rows(tmp_path: Path, snapshot: Snapshot) -> None:
    class NoDays(Snapshot):
        """The same tables, emptied."""

        def table(self, sql: str, /, **parameters: Any) -> pa.Table:
            return snapshot.table(sql.replace("where is_day_winner", "where false and is_day_winner"), **parameters)

    empty = NoDays.__new__(NoDays)
    empty.version = snapshot.version
    made = write_report(empty, tmp_path / "empty.xlsx", days=7, language=Language.ENGLISH)
    assert (made.day, made.since) == (None, None)
    assert set(made.rows.values()) <= {0}
    assert openpyxl.load_workbook(tmp_path / "empty.xlsx")["Summary"]["B2"].value == "nothing"


def test_the_flow_puts_it_on_the_lake(
    published: Published, prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.report import report
    from gondola.settings import get_settings

    for name, value in published.platform.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GONDOLA_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("GONDOLA_SPOOL", str(tmp_path / "spool"))
    (tmp_path / "lake").mkdir()
    get_settings.cache_clear()
    first, second = report(days=2), report(days=2)
    get_settings.cache_clear()
    lake = Lake.open(str(tmp_path / "lake"))
    keys = [entry.key for entry in lake.find("reports", ".xlsx")]
    assert sorted(keys) == sorted({first.key, second.key})
    (tmp_path / "again.xlsx").write_bytes(lake.get(first.key))
    assert len(openpyxl.load_workbook(tmp_path / "again.xlsx").sheetnames) == 8
    records = read_runs(lake, days=2)
    assert {(run.system, run.status, run.written_rows) for run in records} == {
        ("report", "complete", sum(first.rows.values()))
    }
    assert not list((tmp_path / "spool").iterdir())


def test_a_report_of_a_version_that_lacks_the_shelves_says_so(tmp_path: Path) -> None:
    from gondola.serving.reads import NotBuiltError

    settings = settings_for(tmp_path)
    publish_version(settings, 1)
    with PublishedCopies(settings) as copies, copies.snapshot() as snapshot, pytest.raises(NotBuiltError):
        write_report(snapshot, tmp_path / "x.xlsx", days=1)
    assert not (tmp_path / "x.xlsx").exists()
