"""The models of what runs leave: every record once, whenever it came, and nothing of what has no run record."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.lake import Lake
from storage.layout import Metadata, make_run_id
from storage.records import QualityRecord, Record, RecordWriter, RequestRecord, RunRecord, put_run
from tests.dbt.conftest import Warehouse

AT = datetime(2026, 2, 5, 12, tzinfo=UTC)
SELECT = ("--select", "ops")


def put(lake: Path, run: RunRecord, *records: Record) -> None:
    """What a run leaves: its records, then its own."""
    target = Lake.open(str(lake))
    with RecordWriter(target, run.system, run.run_id, lake.parent / "spool") as writer:
        for record in records:
            writer.add(record)
        writer.commit()
    put_run(target, run)


def crawl(started: datetime, *, region: str = "centro", day: date | None = None, **values: Any) -> RunRecord:
    figures = {"status": "complete", "finished_at": started + timedelta(minutes=10), "received_rows": 5}
    return RunRecord(
        run_id=make_run_id("alfa", region, started_at=started),
        system="market",
        scope=f"supermarket=alfa/region={region}",
        business_date=day or started.date(),
        started_at=started,
        **figures | values,
    )


def housekeeping(system: str, started: datetime, **attributes: Any) -> RunRecord:
    return RunRecord(
        run_id=make_run_id(system, "market", started_at=started),
        system=system,
        scope="systems=market",
        business_date=started.date(),
        started_at=started,
        finished_at=started + timedelta(minutes=1),
        status="failed" if attributes.get("failures") else "complete",
        attributes=json.dumps(attributes),
    )


def requests(started: datetime, *statuses: int | None) -> list[RequestRecord]:
    return [
        RequestRecord(
            requested_at=started + timedelta(seconds=number),
            method="GET",
            url=f"/api?_from={number}",
            slice="C:/1/",
            attempt=1,
            status=status,
            bytes=100,
            seconds=0.5,
            waited_seconds=0.25,
            outcome="ok" if status == 200 else "throttled",
        )
        for number, status in enumerate(statuses)
    ]


CHECK = QualityRecord(
    check_name="volume",
    subject="supermarket=alfa/region=centro",
    passed=False,
    expected="80 %",
    actual="10 %",
    severity="error",
)


def test_every_record_is_there_once_whenever_it_came(warehouse: Warehouse) -> None:
    first = crawl(AT, requests=3, throttled=1, bytes_received=300)
    put(warehouse.lake, first, *requests(AT, 200, 429, None))
    put(warehouse.lake, housekeeping("transform", AT + timedelta(hours=1), stage="gate", failures=["volume"]), CHECK)
    warehouse.build(*SELECT)
    warehouse.build(*SELECT)
    # Later: the next day, a run that had begun before the last one known, and one for a day long past.
    next_day, late = AT + timedelta(days=1), AT - timedelta(hours=5)
    put(warehouse.lake, crawl(next_day, requests=1), *requests(next_day, 200))
    put(warehouse.lake, crawl(late, region="norte", requests=2), *requests(late, 200, 200))
    put(warehouse.lake, crawl(next_day, region="sul", day=date(2026, 1, 1), requests=1), *requests(next_day, 200))
    put(warehouse.lake, crawl(AT + timedelta(hours=2), requests=1), *requests(AT, 200))  # the same day again
    put(warehouse.lake, housekeeping("quality", next_day), CHECK)
    warehouse.build(*SELECT)
    expected_days = [
        (date(2026, 1, 1), "sul", 1, 1, 0),
        (date(2026, 2, 5), "centro", 2, 4, 1),
        (date(2026, 2, 5), "norte", 1, 2, 0),
        (date(2026, 2, 6), "centro", 1, 1, 0),
    ]
    for command in ("incremental", "full"):
        if command == "full":
            warehouse.build("--full-refresh", *SELECT)
        assert (
            warehouse.rows(
                "select business_date, region, runs, requests, answers_429 from ops.fct_store_days order by 1, 2"
            )
            == expected_days
        ), command
        assert warehouse.rows("select count(*), count(distinct run_id) from ops.fct_runs") == [(7, 7)]
        assert warehouse.rows("select count(*), sum(seconds)::int from ops.fct_requests") == [(8, 4)]
        assert warehouse.rows(
            "select system, check_name, supermarket, region, passed from ops.fct_quality order by 1"
        ) == [
            ("quality", "volume", "alfa", "centro", False),
            ("transform", "volume", "alfa", "centro", False),
        ]
    assert warehouse.rows("select stage, status from ops.fct_runs where system = 'transform'") == [("gate", "failed")]
    assert warehouse.rows("select stage from ops.fct_runs where system = 'market' group by 1") == [(None,)]


def test_records_of_a_killed_run_are_not_there(warehouse: Warehouse) -> None:
    put(warehouse.lake, crawl(AT, requests=1), *requests(AT, 200))
    dead = crawl(AT, region="norte")
    with RecordWriter(Lake.open(str(warehouse.lake)), "market", dead.run_id, warehouse.lake.parent / "spool") as writer:
        for record in requests(AT, 200, 200):
            writer.add(record)
        writer.commit()
    warehouse.build(*SELECT)
    assert warehouse.rows("select region, count(*) from ops.fct_requests group by 1") == [("centro", 1)]


def test_records_that_are_gone_are_unknown_not_zero(warehouse: Warehouse) -> None:
    put(warehouse.lake, crawl(AT, requests=2, throttled=1, bytes_received=7), *requests(AT, 200, 503))
    (warehouse.lake / Metadata("requests", "market", crawl(AT).run_id).key).unlink()
    warehouse.build(*SELECT)
    assert warehouse.rows(
        "select requests, throttled, answers_503, request_seconds, bytes_received from ops.fct_store_days"
    ) == [(2, 1, None, None, 7)]


def test_a_known_file_is_not_opened_again(warehouse: Warehouse) -> None:
    run = crawl(AT, requests=1)
    put(warehouse.lake, run, *requests(AT, 200))
    warehouse.build(*SELECT)
    for kind in ("runs", "requests"):
        (warehouse.lake / Metadata(kind, "market", run.run_id).key).write_bytes(b"not Parquet any more")
    put(warehouse.lake, crawl(AT + timedelta(hours=1), requests=1), *requests(AT + timedelta(hours=1), 200))
    warehouse.build(*SELECT)
    assert warehouse.rows("select count(*) from ops.fct_requests") == [(2,)]


@pytest.mark.parametrize("asked", [1, 3])
def test_a_run_whose_requests_were_lost_or_doubled_is_caught(warehouse: Warehouse, asked: int) -> None:
    put(warehouse.lake, crawl(AT, requests=asked), *requests(AT, 200, 200))
    assert "assert_every_request_of_a_run_is_counted" in warehouse.fails(*SELECT)


def test_old_days_are_left_alone(warehouse: Warehouse) -> None:
    """A day is reckoned again only while runs may still come to it: a new price list leaves old days alone."""
    moments = [AT, AT + timedelta(days=20), AT + timedelta(days=40)]
    for moment in moments[:2]:
        put(warehouse.lake, crawl(moment, requests=1), *requests(moment, 200))
    warehouse.build(*SELECT)
    put(warehouse.lake, crawl(moments[2], requests=1), *requests(moments[2], 200))
    prices = "{costs: {gb_stored_month: 0, gb_transferred: 0, thousand_requests: 5, compute_hour: 0}}"
    warehouse.build(*SELECT, "--vars", prices)
    costs = dict(warehouse.rows("select business_date, cost::text from ops.fct_store_days"))
    assert (costs[moments[0].date()], costs[moments[2].date()]) == ("0.000000", "0.005000")
