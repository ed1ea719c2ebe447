"""The status and its metrics, from what lies on a lake; and the API in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gondola.alerts.episodes import Alert
from gondola.alerts.policy import Severity
from gondola.alerts.state import STATE_FOLDER, State
from gondola.serving.metrics import prometheus_text
from gondola.serving.status import OpenAlert, read_status
from gondola.settings import Settings
from storage.lake import Lake
from storage.publish import publish
from storage.records import RunRecord, put_run
from tests.servers import free_port

NOW = datetime(2026, 2, 20, 18, tzinfo=UTC)
STORE = "supermarket=alfa/region=centro"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "lake").mkdir()
    return Settings(lake=str(tmp_path / "lake"), warehouse=tmp_path / "warehouse" / "gondola.duckdb")


def run(system: str, scope: str, hours_ago: float, **values: Any) -> RunRecord:
    started = NOW.replace(microsecond=0) - timedelta(hours=hours_ago)
    figures = {"status": "complete", "business_date": started.date(), "finished_at": started + timedelta(minutes=5)}
    attributes = json.dumps(values.pop("attributes", {}))
    name = f"{system}-{abs(hash(scope)) % 1000}-{started:%Y%m%dT%H%M%SZ}"
    return RunRecord(
        run_id=name, system=system, scope=scope, started_at=started, attributes=attributes, **figures | values
    )


def put(settings: Settings, *records: RunRecord) -> None:
    for record in records:
        put_run(Lake.open(settings.lake), record)


def publish_ledger(settings: Settings) -> None:
    settings.warehouse.parent.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{settings.warehouse}' as gondola; use gondola; create schema ops")
        connection.execute(
            """
            create table ops.fct_store_days as
            select day::date as business_date, 'alfa' as supermarket, 'centro' as region, 100::bigint as requests,
                2::bigint as throttled, 3::bigint as retries, 1.5::decimal(18, 3) as seconds_waited,
                1000::bigint as bytes_received, 50::bigint as bytes_stored, 0.25::decimal(18, 6) as cost
            from unnest([date '2026-02-20', date '2026-02-19', date '2026-02-01']) t (day)
            """
        )
    publish(Lake.open(settings.lake), settings.warehouse, schemas=["ops"], keep=2, version="20260220T170000000000Z")


def samples(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type == "gauge"
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_an_empty_lake_has_a_status_and_metrics(settings: Settings) -> None:
    status = read_status(settings, now=NOW)
    assert (status.scopes, status.transform, status.ledger, status.alerts) == ((), None, (), ())
    assert status.success_rate is None
    assert samples(prometheus_text(status)) == {("gondola_runs", ()): 0.0}, "what is unknown is not 0"


def test_only_runs_that_bring_data_make_the_success_rate(settings: Settings) -> None:
    put(
        settings,
        run("market", STORE, 30),
        run("market", STORE, 2, status="failed", error="HTTP 503", throttled=7),
        run(
            "transform", "systems=market", 1, status="failed", attributes={"stage": "gate", "failures": ["volume: few"]}
        ),
        run("quality", "systems=market", 1),
        run("maintenance", "storage", 1),
    )
    status = read_status(settings, now=NOW)
    assert (status.runs, status.success_rate) == (2, 0.5)
    (scope,) = status.scopes
    assert (scope.last_status, scope.is_fresh(NOW), scope.throttled) == ("failed", False, 7)
    assert status.transform is not None
    assert (status.transform.stage, status.transform.failures) == ("gate", ("volume: few",))


def test_the_ledger_is_of_the_last_days_crawled(settings: Settings) -> None:
    publish_ledger(settings)
    (line,) = read_status(settings, now=NOW + timedelta(days=100)).ledger
    assert (line.days, line.requests, line.throttled, str(line.cost)) == (2, 200, 4, "0.500000")


def test_storage_is_what_maintenance_measured_lately(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    find = Lake.find
    monkeypatch.setattr(
        Lake, "find", lambda lake, prefix="", suffix="": listed.append(prefix) or find(lake, prefix, suffix)
    )
    Lake.open(settings.lake).put("bronze/x", b"12345")
    areas = {"areas": {"bronze": 77}, "bytes": 77, "disk_used_share": 0.5}
    put(settings, run("maintenance", "storage", 50, attributes={"storage": areas}))
    status = read_status(settings, now=NOW)
    assert (status.storage_bytes["bronze"], status.storage_at) == (5, NOW)
    assert "" in listed
    listed.clear()
    put(settings, run("maintenance", "storage", 20, attributes={"storage": areas}))
    status = read_status(settings, now=NOW)
    assert (status.storage_bytes, NOW - status.storage_at) == ({"bronze": 77}, timedelta(hours=19, minutes=55))
    assert "" not in listed, "a lake of a year is not listed for what is known"


def test_open_alerts_are_shown_and_a_broken_state_stops_nothing(settings: Settings) -> None:
    alert = Alert(
        rule="stale_store",
        subject="alfa/centro",
        severity=Severity.CRITICAL,
        since=NOW,
        opened_at=NOW,
        what="no complete run",
        todo="look",
    )
    over = alert.model_copy(update={"subject": "beta/norte", "closed_at": NOW})
    lake = Lake.open(settings.lake)
    lake.put(f"{STATE_FOLDER}/00000001.json", State(alerts=(alert, over)).model_dump_json().encode())
    shown = read_status(settings, now=NOW).alerts
    assert [(one.rule, one.subject, one.severity) for one in shown] == [("stale_store", "alfa/centro", "critical")]
    lake.put(f"{STATE_FOLDER}/00000002.json", b"no json")
    assert "00000002.json is no state of alerts" in read_status(settings, now=NOW).alerts[0].what


def test_metrics_say_what_the_status_says(settings: Settings) -> None:
    publish_ledger(settings)
    put(
        settings,
        run("market", STORE, 2, expected_rows=100, received_rows=90, status="partial"),
        run("transform", "systems=market", 1, attributes={"stage": "publish", "failures": [], "dbt": {"passed": 61}}),
    )
    status = read_status(settings, now=NOW)
    alert = OpenAlert('a"b\\', "line\nbreak", "now", "error", "x")
    found = samples(prometheus_text(replace(status, alerts=(alert, alert))))
    store = (("region", "centro"), ("supermarket", "alfa"))
    scope = (("scope", STORE), ("system", "market"))
    assert found["gondola_store_requests", store] == 200
    assert found["gondola_store_cost", store] == 0.5
    assert found["gondola_last_run_products", scope] == 90
    assert found["gondola_last_run_declared_products", scope] == 100
    assert found["gondola_last_run_complete", scope] == 0
    assert ("gondola_last_complete_timestamp_seconds", scope) not in found
    assert found["gondola_transform_ok", (("stage", "publish"),)] == 1
    assert found["gondola_dbt_passed", ()] == 61
    assert found["gondola_success_ratio", ()] == 0
    assert found["gondola_published_timestamp_seconds", ()] == datetime(2026, 2, 20, 17, tzinfo=UTC).timestamp()
    labels = (("rule", 'a"b\\'), ("severity", "error"), ("subject", "line\nbreak"))
    assert found["gondola_open_alert", labels] == 1
    assert found["gondola_storage_bytes", (("area", "gold"),)] > 0


def test_the_api_serves_health_and_metrics(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("GONDOLA_LAKE", settings.lake)
    monkeypatch.setenv("GONDOLA_WAREHOUSE", str(settings.warehouse))
    monkeypatch.setenv("GONDOLA_LOGS", str(tmp_path / "logs"))
    put(settings, replace(run("market", STORE, 0), started_at=datetime.now(UTC), finished_at=datetime.now(UTC)))
    command = [sys.executable, "-m", "gondola", "api", "--port", str(port)]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                    assert json.load(answer) == {"status": "ok", "published": None}
                break
            except OSError:
                assert process.poll() is None, process.communicate()[1].decode()
                assert time.monotonic() < deadline
                time.sleep(0.2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            samples(answer.read().decode())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
