"""The SQL shell, exports and the lake as a database, as people use them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from gondola.cli import display
from gondola.cli.shell import NameCompleter, Shell, run_shell
from gondola.errors import ConfigurationError, UnknownNameError
from gondola.serving.export import ExportFormat, export_table
from gondola.serving.query import QueryError, QuerySession, run_query
from tests.serving.conftest import Published
from tests.serving.versions import publish_version, settings_for

BAD = [
    "select * from '/etc/passwd'",
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('http://127.0.0.1:1/x')",
    "copy (select 1) to '/tmp/gondola-was-here'",
    "attach '/tmp/gondola-was-here.db'",
    "install httpfs",
    "set enable_external_access = true",
    "set memory_limit = '100GB'",
    "select 1; select 2",
    "export database '/tmp/gondola-was-here'",
    "",
]
# On the lake these touch nothing but the session's own memory.
CHANGES = ["create table gondola.market.t as select 1", "delete from gondola.market.dim_stores", "drop schema market"]


@pytest.mark.parametrize("sql", BAD)
@pytest.mark.parametrize("lake", [False, True], ids=["published", "lake"])
def test_statements_only_read_what_they_may(published: Published, sql: str, *, lake: bool) -> None:
    with pytest.raises(QueryError):
        run_query(published.settings, sql, lake=lake)
    assert not list(Path("/tmp").glob("gondola-was-here*"))  # noqa: S108 - the place a statement named


@pytest.mark.parametrize("sql", CHANGES)
def test_the_published_copy_is_not_changed(published: Published, sql: str) -> None:
    with pytest.raises(QueryError):
        run_query(published.settings, sql)


def test_a_statement_is_bounded_in_time_memory_and_rows(published: Published) -> None:
    small = published.settings.model_copy(update={"transform_memory": "50MB"})
    with pytest.raises(QueryError, match="took longer"):
        run_query(
            published.settings,
            "select count(*) from range(10000000000) a (i), range(100) b (j) where i + j = 7",
            time_limit=timedelta(seconds=0.3),
        )
    with pytest.raises(QueryError, match="Out of Memory"):
        run_query(small, "select hash(i) as h, repeat('x', 100) || i from range(5000000) t (i) order by 1", spill=False)
    assert run_query(published.settings, "select * from range(100)", max_rows=7).num_rows == 7
    secret = "a variable of ours"
    with pytest.raises(QueryError, match="does not exist"):
        run_query(published.settings, "select * from secret")
    assert secret


@pytest.mark.parametrize("sql", BAD + CHANGES)
def test_the_route_for_sql_refuses_the_same(client: TestClient, sql: str) -> None:
    assert client.post("/v1/sql", json={"sql": sql}).status_code in {400, 422}


def test_the_route_for_sql_is_off_unless_asked_for(published: Published, tmp_path: Path) -> None:
    from gondola.serving.api import create_app

    app = create_app(published.settings.model_copy(update={"logs": tmp_path}))
    with TestClient(app) as client:
        assert client.post("/v1/sql", json={"sql": "select 1"}).status_code == 404


def test_sql_with_parameters_and_limits_over_http(client: TestClient) -> None:
    body = {"sql": "select $a::int + i as n from range(10) t (i)", "parameters": {"a": 5}, "limit": 2}
    assert client.post("/v1/sql", json=body).json()["data"] == [{"n": 5}, {"n": 6}]
    assert client.post("/v1/sql", json=body | {"format": "csv"}).text == "n\n5\n6\n"
    assert client.post("/v1/sql", json=body | {"limit": 100_001}).status_code == 422
    assert client.post("/v1/sql", json=body | {"surprise": 1}).status_code == 422


def test_a_pivot_is_one_statement(published: Published) -> None:
    sql = "pivot market.dim_products on supermarket using count(*) group by department order by department"
    rows = run_query(published.settings, sql).to_pylist()
    (count,) = run_query(published.settings, "select count(*) as n from market.dim_products").to_pylist()
    stores = {"aurora", "mirante", "pampa", "serra"}
    assert sum(row[store] for row in rows for store in stores) == count["n"]


def test_the_lake_has_the_published_tables_and_every_file(published: Published) -> None:
    both = [
        run_query(published.settings, "select * from market.fct_prices_daily order by all", lake=lake).to_pylist()
        for lake in (False, True)
    ]
    assert both[0] == both[1]
    (row,) = run_query(
        published.settings, "select count(*) as n from lake('bronze/market/**/*.parquet')", lake=True
    ).to_pylist()
    assert row["n"] >= len(both[0]) > 0


@pytest.mark.parametrize("table", ["market.fct_prices_daily", "dim_stores", "jaffle_shop.orders"])
@pytest.mark.parametrize("form", list(ExportFormat))
def test_an_export_holds_the_whole_table(published: Published, tmp_path: Path, table: str, form: ExportFormat) -> None:
    made = export_table(published.settings, table, tmp_path / "deep" / f"t.{form}", form)
    rows = run_query(published.settings, f"select * from {made.table}").to_pylist()
    assert made.rows == len(rows) > 0
    read: dict[ExportFormat, Callable[[], list[dict[str, object]]]] = {
        ExportFormat.CSV: lambda: list(csv.DictReader(made.path.open())),
        ExportFormat.PARQUET: lambda: pq.read_table(made.path).to_pylist(),
        ExportFormat.JSON: lambda: json.loads(made.path.read_text()),
        ExportFormat.XLSX: lambda: sheet_rows(made.path),
    }
    found = read[form]()
    assert len(found) == len(rows)
    assert list(found[0]) == list(rows[0])
    money = next(name for name, value in rows[0].items() if isinstance(value, Decimal)) if "." in table else None
    if money:
        numbers = sorted(round(Decimal(str(row[money] or 0)), 4) for row in found)
        assert numbers == sorted(round(row[money] or Decimal(0), 4) for row in rows)
    assert [path.name for path in made.path.parent.iterdir()] == [made.path.name]


def sheet_rows(path: Path) -> list[dict[str, object]]:
    head, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_an_export_that_can_not_be_is_said(published: Published, tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    out.write_text("the last one")
    for table, what in (
        ("dim_products", "several"),
        ("market.dim_storess", "market.dim_stores"),
        ("x' --", "no table"),
    ):
        with pytest.raises(UnknownNameError, match=what):
            export_table(published.settings, table, out, ExportFormat.CSV)
    with pytest.raises(ConfigurationError, match="can't be written"):
        export_table(published.settings, "dim_stores", out / "below" / "x.csv", ExportFormat.CSV)
    assert out.read_text() == "the last one"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    console = Console(record=True, width=160, file=Path("/dev/null").open("w"))  # noqa: SIM115
    monkeypatch.setattr(display, "output", console)
    yield console
    console.file.close()


def test_the_shell_answers_typed_lines(
    published: Published, screen: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    lines = [
        "select count(*) as stores",
        "from market.dim_stores;",
        "\\d market.dim_stores",
        "\\d market.dim_stres",
        "\\timing",
        "select nothing from nowhere;",
        "\\x",
        "\\q",
    ]
    with create_pipe_input() as typed:
        typed.send_text("".join(f"{line}\r" for line in lines))
        run_shell(published.settings, input=typed, output=DummyOutput())
    shown = screen.export_text()
    (stores,) = run_query(published.settings, "select count(*) as n from market.dim_stores").to_pylist()
    assert f" {stores['n']} " in shown
    assert "last_complete_date" in shown
    assert "did you mean 'market.dim_stores'" in shown
    assert "error: Catalog Error" in shown
    assert "no command \\x" in shown
    assert " s\n" in shown
    assert "from market.dim_stores;" in (tmp_path / "gondola" / "history").read_text()


def test_the_shell_moves_to_what_is_published_next(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    publish_version(settings, 1)
    screen = Console(record=True, width=160, file=(tmp_path / "out").open("w"))
    shell = Shell(settings, lake=False, output=screen)
    shell.handle("select distinct brand from market.dim_products;")
    publish_version(settings, 2)
    shell.handle("select distinct brand from market.dim_products;")
    assert shell.handle("exit") is False
    shell.close()
    screen.file.close()
    shown = screen.export_text()
    assert shown.index("v1") < shown.index("now answering from version") < shown.index("v2")


def test_names_are_completed(published: Published) -> None:
    with QuerySession(published.settings) as session:
        catalog = session.catalog()
    completer = NameCompleter(lambda: catalog)

    def complete(text: str, behind: str = "") -> set[str]:
        document = Document(text + behind, len(text))
        return {one.text for one in completer.get_completions(document, CompleteEvent())}

    assert {"market.dim_stores", "market.dim_products"} <= complete("select * from market.dim")
    assert "market." in complete("select * from mar")
    assert "unit_multiplier" in complete("select unit_m", " from market.dim_products")
    assert complete("select p.gt", " from market.dim_products p") == {"gtin"}
    assert complete("select dim_products.gt", " from market.dim_products") == {"gtin"}
    assert complete("sel") == {"select"}
