"""The market flow end to end: every price equal to the cent, and the truth told when something is missing."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.request
from datetime import date

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterName,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect_dbt.core._tracker import NodeTaskTracker

from gondola.sandbox import Faults, Sandbox, World
from tests.platform import REGIONS, Platform, assert_day_is_true

PRODUCTS = 240


def calm_world(products: int = PRODUCTS) -> World:
    return World(products=products, outages=False)


def wide_world() -> World:
    """A world whose stores exceed one query's window, so that they are crawled category by category."""
    return calm_world(2800)


def test_two_days_and_what_changed(platform: Platform) -> None:
    world = calm_world()
    with Sandbox(world=world, day=5, faults=0.05) as sandbox:
        first = platform.crawl(sandbox)
        assert first.status == "complete"
        assert first.not_served == ("aurora/lages",)
        assert {(run.supermarket, run.region) for run in first.runs} == {(s, r) for s in REGIONS for r in REGIONS[s]}
        assert_day_is_true(platform, world, 5)
        sandbox.set_day(6)
        assert platform.crawl(sandbox).status == "complete"
    assert_day_is_true(platform, world, 5)
    assert_day_is_true(platform, world, 6)

    before, after = ({(r.region, r.sku_id): r for r in world.shelf("pampa", "caxias", day)} for day in (5, 6))
    moved = {
        (key[1], before[key].price, after[key].price)
        for key in before.keys() & after.keys()
        if before[key].price is not None and after[key].price is not None and before[key].price != after[key].price
    }
    changes = platform.query(
        "select sku_id, previous_price, price from market.fct_price_changes "
        "where supermarket = 'pampa' and region = 'caxias' and price_date = $day and previous_price is not null",
        day=world.date_of(6),
    )
    seen_both_days = {sku for sku, _, _ in moved}
    assert {(c["sku_id"], c["previous_price"], c["price"]) for c in changes if c["sku_id"] in seen_both_days} == moved
    assert moved

    # A full refresh of the same lake gives the same numbers.
    incremental = platform.query("select * from market.tru_price order by all")
    platform.transform(full_refresh=True)
    assert platform.query("select * from market.tru_price order by all") == incremental


def test_records_account_for_everything(platform: Platform) -> None:
    with Sandbox(world=calm_world(), day=5, faults=0.05) as sandbox:
        report = platform.crawl(sandbox, stores=["pampa"], build=False)
        asked = sandbox.stats("pampa").requests
    runs = {run["run_id"]: run for run in platform.records("metadata/runs")}
    assert {run.run_id for run in report.runs} == set(runs)
    requests = platform.records("metadata/requests")
    assert len(requests) == asked, "every request that reached the store has a record"
    assert {row["outcome"] for row in requests} <= {"ok", "retried", "failed", "throttled"}
    for run_id, run in runs.items():
        slices = [row for row in platform.records("metadata/slices") if row["run_id"] == run_id]
        assert slices
        assert all(row["received"] == row["declared"] and row["status"] == "complete" for row in slices)
        assert run["status"] == "complete"
        assert run["received_rows"] == run["expected_rows"]
        bronze = [row for row in platform.records("bronze/market") if row["run_id"] == run_id]
        assert len(bronze) == run["written_rows"]
        assert len({row["product_id"] for row in bronze}) == run["received_rows"]


def test_a_flow_run_by_anybody_writes_the_json_log(platform: Platform) -> None:
    platform.transform()
    lines = (platform.home / "logs" / "gondola.jsonl").read_text(encoding="utf-8").splitlines()
    messages = [json.loads(line)["record"]["message"] for line in lines]
    assert sum(message.startswith("dbt: ") for message in messages) == 1
    assert any(message.startswith("published version") for message in messages)


def test_every_node_of_a_build_has_said_its_last_word(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that logs while the interpreter ends kills the process, so none may outlive the build."""
    set_result = NodeTaskTracker.set_task_result
    ended: list[str] = []

    def set_result_late(tracker: NodeTaskTracker, node_id: str, result: object) -> None:
        time.sleep(1.5)  # a slow machine
        set_result(tracker, node_id, result)
        ended.append(node_id)

    monkeypatch.setattr(NodeTaskTracker, "set_task_result", set_result_late)
    platform.transform()
    nodes = json.loads((platform.home / "warehouse" / "dbt" / "run_results.json").read_text())["results"]
    assert sorted(ended) == sorted(node["unique_id"] for node in nodes)
    assert not [thread for thread in threading.enumerate() if thread.name.endswith("(run_task)")]


def test_a_dead_category_makes_a_partial_day_and_removes_nothing(platform: Platform) -> None:
    world = wide_world()
    with Sandbox(world=world, day=5) as sandbox:
        platform.crawl(sandbox, stores=["serra"])
        department = world.store("serra").tree.roots[0]
    dead = Faults(dead_categories={"serra": department.ids})
    with Sandbox(world=world, day=6, faults=dead) as sandbox:
        report = platform.crawl(sandbox, stores=["serra"])
    assert report.status == "partial"
    assert [department.name in line for line in report.incomplete["serra/default"]] == [True]
    gone = platform.query("select * from market.tru_price where status = 'gone'")
    assert gone == [], "a partial day can't say that a product is gone"
    rows = platform.query("select count(*) as n from market.fct_prices_daily where price_date = $d", d=world.date_of(6))
    assert rows[0]["n"] == report.runs[0].written


def test_an_api_that_changes_overnight_changes_no_price(platform: Platform) -> None:
    world = calm_world()
    stores = {name: REGIONS[name] for name in ("aurora", "mirante", "serra")}  # one for each API
    with Sandbox(world=world, day=5, faults=Faults(changed_schemas=list(stores))) as sandbox:
        with urllib.request.urlopen(f"{sandbox.base_url('aurora')}/api/catalog_system/pub/products/search") as answer:
            shown = json.load(answer)[0]
        assert "sustainability" in shown
        assert "description" not in shown
        report = platform.crawl(sandbox, stores=list(stores))
    assert report.status == "complete"
    assert_day_is_true(platform, world, 5, stores)


def test_one_store_failing_does_not_stop_the_others(platform: Platform) -> None:
    world = calm_world()
    with Sandbox(world=world, day=5, faults=Faults(outages=["pampa"])) as sandbox:
        report = platform.crawl(sandbox, stores=["pampa", "serra"])
    assert report.status == "partial"
    assert set(report.failures) == {"pampa"}
    assert_day_is_true(platform, world, 5, {"serra": ["default"]})
    failed = [run for run in platform.records("metadata/runs") if run["status"] == "failed"]
    assert {run["scope"] for run in failed} == {
        "supermarket=pampa/region=porto_alegre",
        "supermarket=pampa/region=caxias",
    }
    assert all("503" in run["error"] for run in failed)


def test_nothing_at_all_is_a_failed_run(platform: Platform) -> None:
    with Sandbox(world=calm_world(), day=5, faults=Faults(outages=["serra"])) as sandbox:
        report = platform.crawl(sandbox, stores=["serra"])
    assert report.status == "failed"
    assert report.build is None


def test_robots_txt_is_obeyed(platform: Platform) -> None:
    with Sandbox(world=calm_world(), day=5, faults=Faults(disallow={"serra": ["/api"]})) as sandbox:
        report = platform.crawl(sandbox, stores=["serra"])
        assert not [route for route in sandbox.stats("serra").by_route if "search" in route]
    assert report.status == "failed"
    assert "robots.txt" in " ".join(report.failures.values())


async def test_the_server_shows_names_tags_progress_and_the_true_state(platform: Platform) -> None:
    world = wide_world()
    dead = Faults(dead_categories={"serra": world.store("serra").tree.roots[0].ids})
    with Sandbox(world=world, day=5, faults=dead) as sandbox:
        await asyncio.to_thread(platform.crawl, sandbox, stores=["serra"], build=False)
        day: date = sandbox.date
    async with get_client() as client:
        runs = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[f"market-{day}"]))
        )
        run = max(runs, key=lambda r: r.created)
        assert (run.state.name, run.state.is_completed()) == ("Partial", True)
        for _ in range(50):  # task runs reach the server a moment after their flow
            tasks = await client.read_task_runs()
            named = {task.name: task for task in tasks if task.flow_run_id == run.id}
            if {"plan serra", "crawl serra/default"} <= set(named):
                break
            await asyncio.sleep(0.2)
        assert "market" in named["crawl serra/default"].tags
        artifacts = await client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(like_="crawl-serra-default"))
        )
        assert artifacts
        of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
        for _ in range(50):  # log lines are sent in batches
            lines = [log.message for log in await client.read_logs(log_filter=of_run)]
            if any("serra/default: partial" in line for line in lines):
                break
            await asyncio.sleep(0.2)
        assert any("serra/default: partial" in line for line in lines), "loguru's lines are in the run log"
