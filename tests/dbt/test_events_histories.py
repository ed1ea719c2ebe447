"""Any history of loads, built piece by piece or at once, gives what a naive reading of all loads gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dbt import events_oracle as oracle
from tests.dbt.conftest import Warehouse
from tests.dbt.events_lake import Load, event, write_load, write_silver
from tests.dbt.events_oracle import Row

FIRST = datetime(2026, 2, 1, 3, tzinfo=UTC)  # midnight in São Paulo
USERS = [f"u{number}" for number in range(1, 6)]
CAMPAIGNS = [None, None, None, ("mail", "email", "clube"), ("search", "cpc", None), ("radio", None, None)]
# What is compared: a query, and what the oracle says of the staged events and the sessions made of them.
TABLES: list[tuple[str, Callable[[list[Row], list[list[Row]]], set[tuple[Any, ...]]]]] = [
    (
        """select user_id, session_id, session_date, last_event_date, started_at, ended_at, events, funnel_step, is_bot,
        orders, revenue from events.int_sessions""",
        lambda _, made: oracle.session_rows(made),
    ),
    (
        "select event_date, event_id, event_type, user_id, run_id from events.stg_events",
        lambda events, _: {
            (row["event_date"], row["event_id"], row["event_type"], row["user_id"], row["run_id"]) for row in events
        },
    ),
    (
        """select engagement_date, daily_active_users, weekly_active_users, monthly_active_users, sessions,
        bot_sessions, bounces, converted_sessions, average_session_seconds::double from events.fct_daily_engagement""",
        lambda _, made: oracle.engagement(made),
    ),
    (
        "select funnel_date, step, sessions_reached, sessions_stopped, sessions_any_order from events.fct_funnel",
        lambda _, made: oracle.funnel(made),
    ),
    (
        """select revenue_date, product_id, purchases, orders, units, revenue, unknown_price_units
        from events.fct_revenue""",
        lambda events, _: oracle.revenue(events),
    ),
    (
        """select purchase_date, touch, utm_source, utm_medium, utm_campaign, purchases, orders, units, revenue,
        unknown_price_units from events.fct_attribution""",
        oracle.attribution,
    ),
    (
        "select event_date, product_id, views, carts, purchases from events.int_product_performance",
        oracle.products,
    ),
    (
        "select cohort_week, week_number, cohort_users, active_users from events.fct_retention_cohorts",
        lambda _, made: oracle.retention(made),
    ),
    (
        "select user_id, last_purchase_date, monetary from events.fct_rfm",
        lambda events, _: oracle.customers(events),
    ),
]


def check(warehouse: Warehouse, loads: list[Load]) -> None:
    """The warehouse says what the oracle says, row by row."""
    events = oracle.staged(loads)
    made = oracle.sessions(events)
    for sql, expected in TABLES:
        assert_same(sql, warehouse.rows(sql), expected(events, made))
    sql = "select run_id from events.fct_loads"
    assert_same(sql, warehouse.rows(sql), {(load.run_id,) for load in loads})


def assert_same(sql: str, rows: list[tuple[Any, ...]], expected: set[tuple[Any, ...]]) -> None:
    assert len(rows) == len(set(rows)), f"{sql}: rows are doubled"
    assert set(rows) - expected == set(), f"{sql}: rows that should not be"
    assert expected - set(rows) == set(), f"{sql}: rows that are missing"


def random_event(draw: random.Random, newest: int) -> dict[str, Any]:
    # Mostly the last days, and close to midnight, where sessions of two days meet; now and then a day long past.
    day = newest if draw.random() < 0.7 else draw.randrange(newest + 1)
    minute = draw.choice([draw.randrange(0, 40), draw.randrange(1400, 1440), draw.randrange(1440)])
    second = draw.choice([0, 0, 0, 1])
    utm = draw.choice(CAMPAIGNS)
    values: dict[str, Any] = {
        "session_id": draw.choice([None, None, "s1", "s2", f"day{day}"]),
        "product_id": draw.choice(["p1", "p2", "p3", None]),
        "price": draw.choice(["1.99", "10.00", "0", None]),
        "order_id": draw.choice([None, "o1", "o2"]),
        "is_bot": draw.choice([None] * 40 + [True]),
    }
    if utm:
        values |= dict(zip(("utm_source", "utm_medium", "utm_campaign"), utm, strict=True))
    kind = draw.choice(["view", "view", "view", "cart", "checkout", "purchase", "search", "click", "remove_from_cart"])
    at = FIRST + timedelta(days=day, minutes=minute, seconds=second)
    return event(at, kind, draw.choice(USERS), **values)


def random_burst(draw: random.Random, newest: int) -> list[dict[str, Any]]:
    """So many views in so few seconds that a session becomes a bot's, in one load or over several."""
    user, start = draw.choice(USERS), FIRST + timedelta(days=newest, minutes=draw.choice([5, 1435]))
    count = draw.choice([16, 31])
    first = draw.randrange(1000)
    session = draw.choice([None, f"day{newest}"])
    return [
        event(
            start + timedelta(seconds=n),
            "view",
            user,
            event_id=f"b{newest}-{first}-{n}",
            product_id="p1",
            session_id=session,
        )
        for n in range(count)
    ]


def random_load(draw: random.Random, started: datetime, newest: int, earlier: list[Load]) -> Load:
    rows = [random_event(draw, newest) for _ in range(draw.randrange(18))]
    if draw.random() < 0.3:
        rows += random_burst(draw, newest)
    known = [row for load in earlier for row in load.rows]
    for row in draw.sample(known, min(len(known), draw.randrange(5))):
        # Sent again: as it was, or told otherwise under the same id.
        rows.append({**row, "user_id": draw.choice([row["user_id"], draw.choice(USERS)])})
    rows += draw.sample(rows, min(len(rows), draw.randrange(3)))
    draw.shuffle(rows)
    return Load(rows=rows, started=started, status=draw.choice(["complete"] * 4 + ["partial", "failed"]))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_increments_and_a_full_refresh_equal_the_oracle(events_warehouse: Warehouse, seed: int) -> None:
    warehouse = events_warehouse
    draw = random.Random(seed)  # noqa: S311
    loads: list[Load] = []
    clock = datetime(2026, 2, 1, 9, tzinfo=UTC)
    for step in range(7):
        newest = step if step < 5 else step + 30  # a month of silence
        for _ in range(draw.randrange(1, 3)):
            clock += timedelta(minutes=draw.randrange(1, 400))
            # A load may end, and so be seen, long after one that began later.
            began = clock - timedelta(hours=draw.choice([0, 0, 0, 20]), seconds=len(loads))
            load = random_load(draw, began, newest, loads)
            write_load(warehouse.lake, load)
            loads.append(load)
        if draw.random() < 0.4:
            # A build that was killed on its way: some models are done, the ledger is not.
            done = draw.choice(
                ["stg_events", "int_sessions", "int_user_journey", "fct_revenue", "fct_daily_engagement"]
            )
            warehouse.build("--select", f"+{done}", command="run")
            continue
        warehouse.build(command="build" if step == 3 else "run")
        check(warehouse, loads)
    warehouse.build(command="run")
    check(warehouse, loads)
    warehouse.build("--full-refresh", command="run")
    check(warehouse, loads)
    statuses = warehouse.build()
    assert "pass" in statuses.values()
    check(warehouse, loads)


def test_days_that_sessions_join_are_built_together(events_warehouse: Warehouse) -> None:
    """One event a load, one build a load: each has to find the session it belongs to on a day that is built already."""
    midnight = FIRST + timedelta(days=3)
    late, early = midnight - timedelta(minutes=10), midnight + timedelta(minutes=10)
    mail = {"utm_source": "mail"}
    steps = [
        [event(late, "view", "forward")],
        [event(early, "purchase", "forward", price="1")],  # runs into the day before
        [event(early, "purchase", "backward", price="2")],
        [event(late, "cart", "backward", price="2", **mail)],  # takes the session back to the day before
        [event(midnight - timedelta(minutes=25), "view", "bridged")],
        [event(midnight + timedelta(minutes=25), "view", "bridged")],
        [event(midnight, "view", "bridged")],  # makes one session of two
        [event(late, "view", "named", session_id="s")],
        [event(midnight + timedelta(days=9), "purchase", "named", session_id="s", price="3")],  # days later
        [event(midnight - timedelta(days=2), "cart", "named", session_id="s", price="3", **mail)],  # and days before
        [event(midnight - timedelta(days=3), "search", "forward", session_id="m", **mail)],  # earns what is credited
        [event(late + timedelta(seconds=n), "view", "fast", session_id="f", product_id="p") for n in range(30)],
        [event(late + timedelta(seconds=30), "view", "fast", session_id="f", product_id="p")],  # now it is a bot's
    ]
    loads: list[Load] = []
    for number, rows in enumerate(steps):
        loads.append(Load(rows=rows, started=FIRST + timedelta(days=20, hours=number)))
        write_load(events_warehouse.lake, loads[-1])
        if number not in {0, 2, 4, 7, 8}:
            events_warehouse.build(command="run")
            check(events_warehouse, loads)


def test_a_killed_build_does_not_forget_what_it_had_opened(events_warehouse: Warehouse) -> None:
    """A session that began a day earlier until a load retold its first event; the build died knowing it."""
    midnight = FIRST + timedelta(days=3)
    first = event(midnight - timedelta(minutes=10), "view", "u1", session_id="s", event_id="retold")
    loads = [Load(rows=[first, event(midnight + timedelta(hours=5), "cart", "u1", session_id="s")], started=midnight)]
    write_load(events_warehouse.lake, loads[0])
    events_warehouse.build(command="run")
    loads.append(
        Load(rows=[{**first, "user_id": "u2"}], started=midnight - timedelta(hours=1))
    )  # began first: it speaks
    write_load(events_warehouse.lake, loads[1])
    for _ in range(2):
        events_warehouse.build("--select", "+int_sessions", command="run")
    events_warehouse.build(command="run")
    check(events_warehouse, loads)


def test_nothing_new_reads_nothing(events_warehouse: Warehouse) -> None:
    load = Load(rows=[event(FIRST)])
    write_load(events_warehouse.lake, load)
    events_warehouse.build()
    (events_warehouse.lake / load.events_key(load.rows[0]["event_date"])).unlink()
    events_warehouse.build()  # would fail if it opened the file again
    check(events_warehouse, [load])
    assert "No files found" in events_warehouse.fails("--full-refresh")


def test_events_that_nobody_committed_are_not_there(events_warehouse: Warehouse) -> None:
    load = Load(rows=[event(FIRST)])
    write_load(events_warehouse.lake, load)
    write_silver(events_warehouse.lake, Load(rows=[event(FIRST, user="u9")], started=FIRST))  # killed before its record
    events_warehouse.build(command="run")
    check(events_warehouse, [load])


def test_a_partial_rebuild_that_would_lose_history_is_refused(events_warehouse: Warehouse) -> None:
    for day in range(2):
        at = FIRST + timedelta(days=day)
        write_load(events_warehouse.lake, Load(rows=[event(at, "purchase", price="1")], started=at))
        events_warehouse.build(command="run")
    assert "--select +fct_revenue" in events_warehouse.fails("--full-refresh", "--select", "fct_revenue", command="run")
    assert "select the whole system" in events_warehouse.fails("--select", "fct_loads", command="run")
    events_warehouse.build("--full-refresh", "--select", "+fct_revenue", command="run")
    events_warehouse.build(command="run")
    assert events_warehouse.rows("select count(*) from events.fct_revenue") == [(2,)]
