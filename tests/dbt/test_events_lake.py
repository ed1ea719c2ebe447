"""What the events models read: an empty lake, the sandbox's truths, a real shop's file, snapshots that change."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gondola.sandbox.events import EventWorld
from gondola.settings import PROJECT_ROOT
from tests.dbt.conftest import Warehouse
from tests.dbt.events_lake import Load, event, write_file, write_load
from tests.events_truth import assert_events_are_true

AT = datetime(2026, 2, 5, 15, tzinfo=UTC)
DAY = date(2026, 2, 5)
CLICKSTREAM = PROJECT_ROOT.parent / "shared" / "data" / "clickstream"


def test_an_empty_lake_builds_green_twice(events_warehouse: Warehouse) -> None:
    for _ in range(2):
        assert set(events_warehouse.build("--exclude-resource-type", "unit_test").values()) == {"success", "pass"}
    tables = "dim_users dim_products fct_daily_engagement fct_funnel fct_revenue fct_retention_cohorts fct_attribution"
    for table in f"{tables} fct_rfm fct_loads stg_events int_sessions".split():
        assert events_warehouse.rows(f"select count(*) from events.{table}") == [(0,)], table
    write_load(events_warehouse.lake, Load(rows=[event(AT, "purchase", price="10")], started=AT))
    events_warehouse.build(command="run")
    assert events_warehouse.rows("select revenue from events.fct_revenue") == [(Decimal("10.00"),)]


@pytest.mark.parametrize("step", [1, 8], ids=["day by day", "at once"])
def test_the_models_say_what_the_sandbox_planted(events_warehouse: Warehouse, tmp_path: Path, step: int) -> None:
    made = EventWorld(seed=7, events=12_000, days=8).write(tmp_path / "source", "parquet")
    files = sorted((tmp_path / "source").glob("events-*"))
    for first in range(0, len(files), step):
        for number, file in enumerate(files[first : first + step], start=first):
            write_file(events_warehouse.lake, file, datetime(2026, 1, 2, 4, tzinfo=UTC) + timedelta(days=number))
        if step > 1 or first in {2, 3, 7}:
            events_warehouse.build(command="run")
    assert_events_are_true(events_warehouse.rows, made.truth)


def read_clickstream(path: Path) -> list[dict[str, Any]]:
    """The whole rows of the file, as they stand there."""
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            if None in row.values():
                continue  # the last line is cut
            at = datetime.strptime(row["event_time"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
            told = {
                name: row[name] or None for name in ("product_id", "category_id", "category_code", "brand", "price")
            }
            rows.append(event(at, row["event_type"], row["user_id"], session_id=row["user_session"], **told))
            rows[-1]["source_row"] = number
    return rows


@pytest.mark.skipif(not CLICKSTREAM.is_dir(), reason="the real clickstream is not here (../shared/data/clickstream)")
def test_a_real_shops_events_add_up(events_warehouse: Warehouse) -> None:
    expected = json.loads((CLICKSTREAM / "expected.json").read_text(encoding="utf-8"))
    rows = read_clickstream(next(CLICKSTREAM.glob("*.csv")))
    assert len(rows) == expected["rows_complete_9_fields"]
    write_load(events_warehouse.lake, Load(rows=rows, started=AT))
    events_warehouse.build("--exclude-resource-type", "unit_test")
    ask = events_warehouse.rows
    twice = expected["exact_duplicate_rows_beyond_first"]
    assert ask("select count(*) from events.stg_events") == [(len(rows) - twice,)]
    # A session id that two users share is two sessions.
    sessions = expected["distinct"]["sessions"] + expected["sessions_spanning_multiple_users"]
    assert ask("select count(*), count(distinct session_id), count(distinct user_id) from events.int_sessions") == [
        (sessions, expected["distinct"]["sessions"], expected["distinct"]["users"])
    ]
    assert ask(
        "select count(*) filter (where purchases > 0), count(*) filter (where purchases > 0 and carts = 0), "
        "count(*) filter (where carts > 0), count(*) filter (where views > 0 and carts > 0 and purchases > 0) "
        "from events.int_sessions"
    ) == [(
        expected["sessions_with_purchase"], expected["sessions_purchase_without_cart"],
        expected["sessions_with_cart"], expected["sessions_view_cart_purchase"],
    )]  # fmt: skip
    # The file's totals count a purchase that stands in it twice, twice; the models count it once.
    keys = [tuple(sorted((k, v) for k, v in row.items() if k != "source_row")) for row in rows]
    again = [row for n, row in enumerate(rows) if row["event_type"] == "purchase" and keys[n] in keys[:n]]
    assert ask("select sum(revenue), sum(purchases) from events.fct_revenue") == [
        (
            Decimal(expected["purchase_revenue"]) - sum(row["price"] for row in again),
            expected["by_event_type"]["purchase"] - len(again),
        )
    ]
    assert ask("select count(*) from events.dim_products") == [(expected["distinct"]["products"],)]
    assert ask("select sum(sessions + bot_sessions) from events.fct_daily_engagement") == [(sessions,)]


def test_the_newest_complete_snapshot_speaks_for_a_product(events_warehouse: Warehouse) -> None:
    def load(hour: int, status: str, **names: str) -> Load:
        products = [{"product_id": number, "product_name": name} for number, name in names.items()]
        users = [{"user_id": number, "segment": name} for number, name in names.items()]
        return Load(started=AT + timedelta(hours=hour), status=status, products=products, users=users)

    loads = [
        load(2, "complete", a="new", b="new"),
        load(1, "complete", a="old", c="only old"),  # heard of late
        load(3, "partial", a="partial", d="only partial"),
        load(4, "failed", e="failed"),
    ]
    told = [("a", "new"), ("b", "new"), ("c", "only old"), ("d", "only partial")]
    for one in loads:
        write_load(events_warehouse.lake, one)
        events_warehouse.build(command="run")
    for _ in range(2):
        ask = events_warehouse.rows
        assert ask("select product_id, product_name from events.dim_products order by 1") == told
        assert ask("select user_id, segment from events.dim_users order by 1") == told
        events_warehouse.build("--full-refresh", command="run")


def test_bots_are_kept_out_of_engagement_and_never_out_of_revenue(events_warehouse: Warehouse) -> None:
    fast = [event(AT + timedelta(seconds=n), "view", "fast", session_id="f", product_id="p") for n in range(31)]
    slow = [event(AT + timedelta(seconds=3 * n), "view", "slow", session_id="s", product_id="p") for n in range(31)]
    rows = [
        *fast,
        *slow,
        event(AT + timedelta(seconds=40), "purchase", "fast", session_id="f", price="5", product_id="p"),
        event(AT, "purchase", "says_so", session_id="b", price="7", is_bot=True),
    ]
    write_load(events_warehouse.lake, Load(rows=rows, started=AT))
    events_warehouse.build()
    ask = events_warehouse.rows
    assert ask("select user_id, bot_reason from events.int_sessions order by 1") == [
        ("fast", "rate"), ("says_so", "flag"), ("slow", None),
    ]  # fmt: skip
    assert ask("select daily_active_users, sessions, bot_sessions from events.fct_daily_engagement") == [(1, 1, 2)]
    assert ask("select max(sessions_reached), sum(sessions_stopped) from events.fct_funnel") == [(1, 1)]
    assert ask("select product_id, revenue from events.fct_revenue order by 1") == [
        ("(unknown)", Decimal("7.00")),
        ("p", Decimal("5.00")),
    ]
    assert ask("select product_id, views, purchases from events.int_product_performance order by 1") == [
        ("(unknown)", 0, 1),
        ("p", 31, 1),
    ]


def test_a_file_that_a_record_does_not_tell_of_rightly_is_caught(events_warehouse: Warehouse) -> None:
    """The rows of a file belong to the load and the day that its record says, or the build is not green."""
    write_load(events_warehouse.lake, Load(rows=[event(AT) | {"run_id": "events-another"}], started=AT))
    assert "assert_every_loaded_event_is_staged" in events_warehouse.fails()
    assert events_warehouse.rows("select count(*) from information_schema.tables where table_name = 'fct_loads'") == [
        (0,)
    ]
