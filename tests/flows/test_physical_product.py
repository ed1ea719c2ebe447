"""The physical product system from its files to its marts, against what the sandbox planted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows.physical_product import physical_product
from flows.quality import quality
from gondola.alerts.facts import Facts
from gondola.alerts.policy import Rules
from gondola.alerts.rules import judge
from gondola.clock import now
from gondola.quality import CheckResult
from gondola.sandbox.physical_product import DOMAINS, Made, ProductWorld
from gondola.settings import PROJECT_ROOT, get_settings
from storage.lake import Lake
from storage.records import read_runs
from tasks.physical_product import load_files
from tasks.physical_product_landing import Loaded
from tasks.physical_product_report import PhysicalProductReport
from tests.backends import apply_environment, fresh_backend
from tests.platform import Platform

WORLD = ProductWorld(seed=11, lines=24_000, days=60)
# The whole history is judged, and old data is no error: the world is of the past.
THRESHOLDS = """
physical_product:
  freshness: {warn_hours: 10000000, error_hours: 10000000}
  anomaly: {judged_days: 90}
"""
REFERENCES = {"returns.order_id": "returns.order_line"}


def run(source: Path | str, *, build: bool = True) -> PhysicalProductReport:
    state: Any = physical_product(str(source), build=build, return_state=True)
    report = state.result(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise report
    assert isinstance(report, PhysicalProductReport)
    return report


@pytest.fixture(scope="module")
def built(
    prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Platform, Made, PhysicalProductReport]]:
    """A platform that has loaded and built the world, once for all that only look at it."""
    home = tmp_path_factory.mktemp("maker")
    made = WORLD.write(home / "source")
    (home / "quality.yaml").write_text(THRESHOLDS)
    platform = Platform(home, extra={"GONDOLA_QUALITY_FILE": str(home / "quality.yaml")})
    with pytest.MonkeyPatch.context() as patch:
        platform.use(patch)
        report = run(home / "source")
        assert report.build_error is None
        yield platform, made, report
    get_settings.cache_clear()


def test_every_planted_fault_is_refused_and_nothing_else(built: tuple[Platform, Made, PhysicalProductReport]) -> None:
    platform, made, report = built
    kept = platform.records("quarantine/physical_product")
    assert sorted((row["source"], row["row_number"], row["field"]) for row in kept) == sorted(
        (f"{bad['table']}.csv", bad["row"], bad["field"]) for bad in made.truth["refused"]
    )
    assert len(kept) == report.rejected > 25
    assert all(row["reason"] for row in kept)
    assert report.status == "complete"
    assert {file.domain: file.rows for file in report.files} == made.rows
    for name in DOMAINS:
        rows = platform.records(f"bronze/physical_product/{name}")
        assert len(rows) == made.rows[name] - sum(bad["table"] == name for bad in made.truth["refused"])
    (record,) = platform.records("metadata/runs/system=physical_product")
    assert (record["received_rows"], record["rejected_rows"]) == (sum(made.rows.values()), report.rejected)


def test_no_address_of_a_customer_lands_anywhere(built: tuple[Platform, Made, PhysicalProductReport]) -> None:
    platform, _, _ = built
    said = json.dumps(
        [platform.records("bronze/physical_product/customers"), platform.records("quarantine")], default=str
    )
    assert "@" not in said
    assert "K00000001" in said


def test_costs_roll_up_to_the_millionth(built: tuple[Platform, Made, PhysicalProductReport]) -> None:
    platform, made, _ = built
    rows = platform.query("select product_id, unit_cost from physical_product.dim_products where is_in_catalogue")
    assert {row["product_id"]: row["unit_cost"] for row in rows} == {
        name: None if cost is None else Decimal(cost) for name, cost in made.truth["unit_costs"].items()
    }
    assert sum(cost is None for cost in made.truth["unit_costs"].values()) >= 5
    levels = platform.query("select max(recipe_level) as deepest from physical_product.dim_products")
    assert levels[0]["deepest"] >= 3


def test_every_product_earned_what_the_truth_says(built: tuple[Platform, Made, PhysicalProductReport]) -> None:
    platform, made, _ = built
    said = {r["product_id"]: r for r in platform.query("from physical_product.metrics_product_performance")}
    # Sold by the stray customers of the orphans: two units for 10.00 each, which the truth counts apart.
    stray = {"quantity": 2 * WORLD.orphans, "net_amount": Decimal(20 * WORLD.orphans), "order_lines": WORLD.orphans}
    for name, truth in made.truth["products"].items():
        row = said[name]
        for column in (
            "quantity", "net_amount", "returned_quantity", "refund_amount", "wasted_quantity", "waste_cost",
            "margin_amount", "margin_after_waste", "sample_size", "defects",
        ):  # fmt: skip
            expected = None if truth[column] is None else Decimal(str(truth[column]))
            if name == "P000003" and expected is not None:
                expected += stray.get(column, 0)
                if column.startswith("margin"):
                    expected += stray["net_amount"] - WORLD.orphans * round(2 * row["unit_cost"], 2)
            assert row[column] == expected, (name, column)
        assert row["category"] == truth["category"]


def test_totals_of_the_facts(built: tuple[Platform, Made, PhysicalProductReport]) -> None:
    platform, made, _ = built
    totals = made.truth["totals"]

    def ask(sql: str) -> tuple[Any, ...]:
        return tuple(platform.query(f"select {sql}")[0].values())

    strays = 2 * WORLD.orphans
    assert ask("count(*), sum(gross_amount), sum(discount_amount) from physical_product.fact_sales") == (
        totals["order_lines"] - totals["cancelled_lines"] + strays,
        Decimal(totals["gross_cents"]) / 100 + 20 * strays,
        Decimal(totals["discount_cents"]) / 100,
    )
    assert ask(
        "count(*), count(*) filter (where is_delivered), count(*) filter (where is_on_time), sum(lead_time_seconds) "
        "from physical_product.fact_shipments"
    ) == (totals["shipments"] + WORLD.orphans, totals["delivered"], totals["on_time"], totals["lead_seconds"])
    assert ask("count(*) from physical_product.fact_returns") == (totals["returns"] + WORLD.orphans,)
    assert ask("count(*), count(*) filter (where not is_passed) from physical_product.fact_quality") == (
        totals["inspections"] + WORLD.orphans,
        totals["failed_inspections"],
    )
    assert ask("sum(net_amount) from physical_product.metrics_customer_analytics") == ask(
        "sum(net_amount) from physical_product.metrics_sales_performance"
    )
    assert ask("count(*) from physical_product.dim_date") == ask("count(*) from shared.dim_date")


def test_the_quality_flow_finds_what_was_planted_and_nothing_else(
    built: tuple[Platform, Made, PhysicalProductReport],
) -> None:
    platform, made, _ = built
    state: Any = quality(["physical_product"], return_state=True)
    assert state.is_completed(), state.message
    results: tuple[CheckResult, ...] = state.result().results
    failed = [result for result in results if not result.passed]
    assert {(*result.subject.split(": "), str(result.day)) for result in failed if result.name == "anomaly"} == {
        (one["metric"], one["series"], one["day"]) for one in made.truth["anomalies"]
    }
    assert len(made.truth["anomalies"]) == 4
    strays = {r.subject: int(r.actual.split(" ")[0]) for r in failed if r.name == "referential_integrity"}
    assert strays == {
        name.replace("returns.order_line", "returns.order_id"): n for name, n in made.truth["orphans"].items()
    }
    wrong = {r.subject: int(r.actual.split(" ")[0]) for r in failed if r.name == "calculation"}
    unknown = sum(cost is None for cost in made.truth["unit_costs"].values())
    made_unknown = unknown - 3  # the three of the circle have no recipe that counts, so they are not made
    assert wrong == {
        "stg_orders.total_amount": made.truth["totals"]["wrong_totals"],
        "dim_products.unit_cost": made_unknown,
    }
    assert not [result for result in failed if result.name in {"schema", "freshness"}]
    page = Lake.open(platform.environment["GONDOLA_LAKE"]).get(state.result().report_key).decode()
    assert all(one["series"] in page for one in made.truth["anomalies"])

    facts = Facts(now=now(), runs=tuple(read_runs(Lake.open(platform.environment["GONDOLA_LAKE"]), now=now())))
    (finding,) = judge(facts, Rules())["checks_failed"].findings
    assert finding.subject == "physical_product"
    assert "anomaly" in finding.what


def test_the_same_files_again_change_nothing(built: tuple[Platform, Made, PhysicalProductReport]) -> None:
    platform, _, _ = built
    before = platform.query("from physical_product.metrics_product_performance order by product_id")
    again = run(platform.home / "source")
    assert (again.status, again.is_news) == ("complete", False)
    assert len(platform.records("metadata/runs/system=physical_product")) == 1
    assert platform.query("from physical_product.metrics_product_performance order by product_id") == before
    history = platform.query(
        "select count(*) as n, count(distinct product_id) as ids from physical_product.products_history"
    )
    assert history[0]["n"] == history[0]["ids"], "nothing changed, so each product has one state"


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text(text)


PRODUCTS = """product_id,product_name,category,product_kind,unit,unit_cost,gtin
a,Cake,Food,finished,each,,7890010000007
b,Flour,Input,material,kg,2.50,
c,Sugar,Input,material,kg,3.00,
"""
ORDERS = """order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price,status
1,1,k,a,2026-02-05T02:30:00Z,2,10.00,placed
2,1,k,a,2026-02-05T12:00:00-03:00,1,10.00,placed
"""


@pytest.mark.slow
def test_late_and_corrected_files(platform: Platform) -> None:
    folder = platform.home / "in"
    write(folder, "orders", ORDERS)
    run(folder)
    (row,) = platform.query("select * from physical_product.dim_products")
    assert (row["product_id"], row["is_in_catalogue"], row["category"]) == ("a", False, "(unknown)")
    dates = platform.query("select order_date from physical_product.fact_sales order by order_id")
    assert [row["order_date"] for row in dates] == [date(2026, 2, 4), date(2026, 2, 5)], "days are São Paulo's"

    # The catalogue comes late; an order is corrected, another cancelled, in a file of its own.
    write(folder, "products", PRODUCTS)
    write(folder, "recipes", "product_id,component_id,quantity\na,b,2\na,c,1\n")
    head = ORDERS.splitlines()[0]
    write(
        folder,
        "orders_2",
        f"{head}\n1,1,k,a,2026-02-05T02:30:00Z,3,10.00,shipped\n2,1,k,a,2026-02-05T15:00:00Z,1,10,cancelled\n",
    )
    report = run(folder)
    assert {file.name: file.status for file in report.files} == {
        "products.csv": "complete", "recipes.csv": "complete", "orders.csv": "known", "orders_2.csv": "complete",
    }  # fmt: skip
    (sale,) = platform.query("from physical_product.fact_sales")
    assert (sale["quantity"], sale["status"], sale["unit_cost"], sale["cost_amount"]) == (3, "shipped", 8, 24)

    # A recipe loses a line, as the file is a snapshot, and gets it back under the same name.
    write(folder, "recipes", "product_id,component_id,quantity\na,b,2\n")
    run(folder)
    assert platform.query("select unit_cost from physical_product.fact_sales") == [{"unit_cost": 5}]
    write(folder, "recipes", "product_id,component_id,quantity\na,b,2\na,c,1\n")
    run(folder)
    assert platform.query("select unit_cost from physical_product.fact_sales") == [{"unit_cost": 8}]
    states = platform.query(
        "select unit_cost from physical_product.products_history where product_id = 'a' order by dbt_valid_from"
    )
    assert [row["unit_cost"] for row in states] == [None, 8, 5, 8]


def test_bad_files_are_told_apart_and_leave_the_others(platform: Platform) -> None:
    folder = platform.home / "in"
    write(folder, "orders", ORDERS.replace(",placed", ",lost", 1))
    write(folder, "products", PRODUCTS)
    write(folder, "waste", "waste_id,product_id\n1,a\n")
    write(folder, "recipes", "product_id,component_id,quantity\na,b,1\nb,c,1\nc,b,1\n")
    (folder / "quality.csv.gz").write_bytes(b"\x1f\x8b\x08nothing")
    report = run(folder, build=False)
    assert report.status == "partial"
    said = {file.domain: (file.status, file.error or "") for file in report.files}
    assert said["products"] == ("complete", "")
    assert "1 of 2 rows were refused (50.0%" in said["orders"][1]
    assert "no column wasted_on, quantity, reason" in said["waste"][1]
    assert said["recipes"][0] == "failed", "two of three lines are a circle"
    assert said["quality"][0] == "failed"
    reasons = [row["reason"] for row in platform.records("quarantine/physical_product")]
    assert "b is made of itself: b > c > b; none of its lines counts" in reasons
    assert not list((platform.home / "lake").glob("bronze/physical_product/orders/**/*.parquet"))

    write(folder, "orders", ORDERS)  # mended: only what failed is read again
    (folder / "quality.csv.gz").unlink()
    (folder / "waste.csv").unlink()
    (folder / "recipes.csv").unlink()
    mended = run(folder, build=False)
    assert {file.domain: file.status for file in mended.files} == {"orders": "complete", "products": "known"}
    assert mended.final_status == "complete"

    lonely = platform.home / "lonely"
    write(lonely, "orders", "nothing of ours\n")
    assert run(lonely, build=False).status == "failed"
    wrong = platform.command("run", "physical_product", "--source", str(platform.home / "nowhere"))
    assert wrong.code == 2
    assert "there is no such folder or file" in wrong.err


def test_a_run_that_dies_before_its_record_has_loaded_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ProductWorld(lines=300, days=3, faults=0, orphans=0).write(platform.home / "made")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tasks.physical_product_landing.put_run", die)
        with pytest.raises(KeyboardInterrupt):
            load_files.fn(get_settings(), str(platform.home / "made"))
    lake = Lake.open(platform.environment["GONDOLA_LAKE"])
    assert list(lake.find("bronze/physical_product", ".parquet")), "its files are there, and nobody reads them"
    assert Loaded.read(lake) == Loaded()
    assert not list((platform.home / "spool").glob("*.spool"))
    report = load_files.fn(get_settings(), str(platform.home / "made"))
    assert (report.status, report.valid) == ("complete", sum(made.rows.values()))
    assert not load_files.fn(get_settings(), str(platform.home / "made")).is_news
    (record,) = platform.records("metadata/runs/system=physical_product")
    assert set(json.loads(record["attributes"])["tables"]) == set(DOMAINS)


@pytest.mark.slow
def test_the_command_from_sandbox_to_quality(platform: Platform, prefect_api: str) -> None:
    platform.extra["PREFECT_API_URL"] = prefect_api
    source = str(platform.home / "made")
    made = platform.command(
        "sandbox", "physical-product", "--out", source, "--lines", "500", "--days", "5", "--faults", "0",
        "--orphans", "0", "--truth-file", str(platform.home / "truth.json"), "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert set(made.document["rows"]) == set(DOMAINS)
    done = platform.command("run", "physical_product", "--source", source, "--json")
    assert done.code == 0, done.err
    assert (done.document["status"], done.document["rejected"]) == ("complete", 0)
    truth = json.loads((platform.home / "truth.json").read_text())
    assert done.document["rows"] == sum(truth["rows"].values())
    shipped = str(PROJECT_ROOT / "deployments" / "quality.yaml")
    judged = platform.command("quality", "physical_product", "--all", "--json", GONDOLA_QUALITY_FILE=shipped)
    assert judged.code == 1, "data of the first days of 2026 is old by now"
    assert {one["name"] for one in judged.document["results"] if one["severity"] == "error" and not one["passed"]} == {
        "freshness"
    }
    unknown = platform.command("quality", "shoes")
    assert (unknown.code, "systems with checks: market, physical_product" in unknown.err) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["s3", "azure"])
def test_files_and_lake_on_a_cloud(
    name: str, request: pytest.FixtureRequest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = fresh_backend(request, name, platform.home)
    apply_environment(monkeypatch, backend.environment)
    platform.lake = f"{backend.uri}/lake"
    platform.use(monkeypatch)
    made = ProductWorld(lines=600, days=4, faults=0, orphans=0).write(platform.home / "made")
    source = Lake.open(f"{backend.uri}/inbox")
    for path in made.files:
        source.put(path.name, path.read_bytes())
    run(f"{backend.uri}/inbox")
    totals = made.truth["totals"]
    assert platform.query("select sum(gross_amount) as gross from physical_product.fact_sales") == [
        {"gross": Decimal(totals["gross_cents"]) / 100}
    ]


@pytest.mark.slow
def test_killed_at_any_moment_and_run_again(platform: Platform, prefect_api: str) -> None:
    made = ProductWorld(lines=60_000, days=30, faults=0, orphans=0).write(platform.home / "made")
    environment = os.environ | platform.environment | {"PREFECT_API_URL": prefect_api}
    for delay in (2.5, 3.5, 4.5, 5.5, 7.0, 9.0):
        with subprocess.Popen(
            [sys.executable, "-m", "gondola", "run", "physical_product", "--source", str(platform.home / "made")],
            env=environment,
            cwd=platform.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    run(platform.home / "made")
    totals = made.truth["totals"]
    assert platform.query("select count(*) as lines, sum(gross_amount) as gross from physical_product.fact_sales") == [
        {"lines": totals["order_lines"] - totals["cancelled_lines"], "gross": Decimal(totals["gross_cents"]) / 100}
    ]
    assert len([r for r in platform.records("metadata/runs/system=physical_product") if r["status"] == "complete"]) == 1
