"""The `gondola` command as people use it: in a process of its own, by its output and exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gondola.sandbox import Faults, Sandbox, ShelfRow, World
from tests.platform import Platform


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Iterator[tuple[Platform, Sandbox]]:
    """A platform on which `gondola run market` ran once, and the sandbox it crawled."""
    platform = Platform(tmp_path_factory.mktemp("platform"), extra={"PREFECT_API_URL": prefect_api})
    with Sandbox(world=World(products=200, outages=False), day=5) as sandbox:
        sandbox.write_stores_file(platform.home / "stores.yaml")
        done = platform.command("run", "market", "--date", str(sandbox.date), "--store", "serra", "--json")
        assert done.code == 0, done.err
        assert done.document["status"] == "complete"
        yield platform, sandbox


def test_run_prints_one_json_document(market: tuple[Platform, Sandbox]) -> None:
    platform, sandbox = market
    done = platform.command("run", "market", "--date", str(sandbox.date), "--store", "serra", "--json")
    (run,) = done.document["runs"]
    assert (run["supermarket"], run["region"], run["status"]) == ("serra", "default", "complete")
    assert run["received"] == run["declared"]
    assert done.document["build"]["failed"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "markt"], "market"),
        (["run", "market", "--store", "sera"], "did you mean 'serra'"),
        (["run", "market", "--date", "2020-13-01"], "2020-13-01"),
        (["query"], "no SQL to run"),
        (["export"], "Missing argument"),
        (["nonsense"], "No such command"),
    ],
)
def test_bad_usage_exits_2_and_says_what_to_do(
    market: tuple[Platform, Sandbox], arguments: list[str], message: str
) -> None:
    done = market[0].command(*arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_real_store_can_be_crawled_for_today_only(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    (tmp_path / "stores.yaml").write_text("stores:\n- {id: a, name: A, base_url: 'https://www.example.com.br'}\n")
    done = platform.command("run", "market", "--date", "2020-01-01")
    assert done.code == 2
    assert "for today" in done.err


def test_exit_code_tells_partial_and_failed(market: tuple[Platform, Sandbox], tmp_path: Path) -> None:
    platform = Platform(tmp_path, extra=market[0].extra)
    faults = Faults(outages=["pampa"])
    with Sandbox(world=World(products=200, outages=False), day=5, faults=faults) as sandbox:
        sandbox.write_stores_file(tmp_path / "stores.yaml")
        both = platform.command("run", "market", "--date", str(sandbox.date), "--store", "serra", "--store", "pampa")
        none = platform.command("run", "market", "--date", str(sandbox.date), "--store", "pampa")
    assert (both.code, none.code) == (3, 1)
    assert "pampa" in both.err
    assert both.out == "", "without --json the standard output carries nothing"


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_query_answers_in_each_form(market: tuple[Platform, Sandbox], form: str, tmp_path: Path) -> None:
    platform, sandbox = market
    truth = sum(row.price is not None for row in shelf(sandbox))
    done = platform.command("query", "select count(price) as prices from market.fct_prices_daily", "--format", form)
    assert done.code == 0, done.err
    if form == "parquet":
        file = tmp_path / "answer.parquet"
        file.write_bytes(done.raw)
        assert pq.read_table(file).to_pylist() == [{"prices": truth}]
    elif form == "json":
        assert done.document == [{"prices": truth}]
    else:
        assert done.out == f"prices\n{truth}\n"


def shelf(sandbox: Sandbox) -> list[ShelfRow]:
    return list(sandbox.world.shelf("serra", "default", sandbox.day))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("create table market.x as select 1", "read-only"),
        ("delete from market.dim_stores", "read-only"),
        ("select * from read_csv('/etc/passwd')", "disabled"),
        ("copy (select 1) to '/tmp/gondola-must-not-exist.csv'", "disabled"),
        ("attach '/tmp/gondola-must-not-exist.duckdb' as x", "disabled"),
        ("set enable_external_access = true", "configuration"),
        ("select 1; select 2", "one SQL statement"),
        ("select * from market.nothing", "nothing"),
    ],
)
def test_query_only_reads_and_only_what_is_published(market: tuple[Platform, Sandbox], sql: str, message: str) -> None:
    done = market[0].command("query", sql)
    assert done.code == 1
    assert message in done.err
    assert "Traceback" not in done.err


def test_query_before_anything_is_published_says_what_to_run(tmp_path: Path) -> None:
    done = Platform(tmp_path).command("query", "select 1")
    assert done.code == 1
    assert "gondola run market" in done.err


def test_status(market: tuple[Platform, Sandbox], tmp_path: Path) -> None:
    platform, _ = market
    document = platform.command("status", "--json").document
    (scope,) = document["scopes"]
    assert scope["scope"] == "supermarket=serra/region=default"
    assert scope["is_fresh"]
    assert scope["products"] == scope["declared"]
    assert document["success_rate"] == 1.0
    assert document["published"]
    assert document["storage_bytes"]["bronze"] > 0
    assert (document["transform"]["status"], document["transform"]["stage"]) == ("complete", "publish")
    (line,) = document["ledger"]
    asked = platform.command("query", "select count(*) as n from ops.fct_requests", "--json").document
    assert (line["supermarket"], line["requests"]) == ("serra", asked[0]["n"])
    shown = platform.command("status").err
    assert "models and tests green" in shown
    assert "serra/default" in shown
    empty = Platform(tmp_path).command("status")
    assert empty.code == 0
    assert "Nothing ran yet" in empty.err


def test_quality_judges_what_is_published_and_changes_nothing(market: tuple[Platform, Sandbox]) -> None:
    platform, _ = market
    version = platform.command("status", "--json").document["published"]
    done = platform.command("quality", "--json")
    assert done.code == 0, done.err
    document = done.document
    assert document["status"] == "complete"
    assert {result["name"] for result in document["results"]} >= {"volume", "freshness", "price_outliers"}
    assert (platform.home / "lake" / document["report"]).read_text().startswith("<!DOCTYPE html>")
    assert platform.command("status", "--json").document["published"] == version
    shown = platform.command("quality", "--all")
    assert "supermarket=serra/region=default" in shown.err
    empty = platform.command("quality", GONDOLA_WAREHOUSE=str(platform.home / "none" / "gondola.duckdb"))
    assert empty.code == 1
    assert "nothing is published" in empty.err


def test_stores_list_and_probe(market: tuple[Platform, Sandbox]) -> None:
    platform, _ = market
    assert [store["id"] for store in platform.command("stores", "list", "--json").document] == [
        "aurora",
        "mirante",
        "pampa",
        "serra",
    ]
    reports = {r["store"]: r for r in platform.command("stores", "probe", "--json").document}
    assert {name: (r["recommended_api"], r["recommended_method"]) for name, r in reports.items()} == {
        "aurora": ("legacy", "segment_v2"),
        "mirante": ("is_v1", "search_region"),
        "pampa": ("legacy", "sales_channel"),
        "serra": ("is", None),
    }


def test_every_command_has_help_with_an_example(market: tuple[Platform, Sandbox]) -> None:
    for words in (
        ["demo"],
        ["run"],
        ["transform"],
        ["query"],
        ["status"],
        ["quality"],
        ["stores", "list"],
        ["stores", "probe"],
        ["sandbox", "serve"],
    ):
        done = market[0].command(*words, "--help")
        assert done.code == 0
        assert "Example: gondola " + " ".join(words) in " ".join(done.out.split())
        assert "--json" in done.out


def test_logs_are_json_lines(market: tuple[Platform, Sandbox]) -> None:
    lines = (market[0].home / "logs" / "gondola.jsonl").read_text().splitlines()
    messages = [json.loads(line)["record"]["message"] for line in lines]
    assert any("serra/default: complete" in message for message in messages)
