"""`gondola alerts` as people use it, without a Prefect server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.lake import Lake
from storage.records import put_run
from tests.alerts.makers import market_run
from tests.platform import Platform
from tests.receivers import Inbox, receive_webhooks

MARKER = "S3CR3T-marker"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with receive_webhooks() as receiver:
        yield receiver


@pytest.fixture
def platform(tmp_path: Path, inbox: Inbox) -> Platform:
    """A platform of one store-region, crawled two days ago."""
    made = Platform(tmp_path)
    made.extra = {"GONDOLA_ALERTS_FILE": str(tmp_path / "alerts.yaml"), "HOOK": f"{inbox.address}/{MARKER}"}
    (tmp_path / "stores.yaml").write_text("stores:\n- {id: a, name: A, base_url: 'https://www.example.com.br'}\n")
    (tmp_path / "alerts.yaml").write_text(
        "channels:\n- {name: hook, kind: webhook, variable: HOOK}\n- {name: chat, kind: slack, variable: CHAT}\n"
    )
    put_run(Lake.open(str(tmp_path / "lake")), market_run("a/default", datetime.now(UTC) - timedelta(days=2)))
    return made


def test_check_and_list(platform: Platform, inbox: Inbox) -> None:
    inbox.status = 500
    failed = platform.command("alerts", "check", "--json")
    assert failed.code == 1, "a channel did not take its message"
    assert "it answered 500" in failed.document["failed"]["hook"]
    waiting = platform.command("alerts", "list", "--json").document
    assert waiting["failing"] == failed.document["failed"]
    (alert,) = waiting["open"]
    assert (alert["rule"], alert["subject"], alert["severity"]) == ("stale_store", "a/default", "critical")
    assert 22 * 3600 - 60 < alert["age_seconds"] < 22 * 3600 + 600
    inbox.status = 200

    done = platform.command("alerts", "check")
    assert done.code == 0, done.err
    assert inbox.events == [("opened", "stale_store", "a/default")]
    assert "told hook: 1 alerts" in done.err
    assert "channel chat is off: CHAT is not set" in done.err
    assert "rule run_failed was skipped: no Prefect server is configured (PREFECT_API_URL)" in done.err

    again = platform.command("alerts", "check", "--json", PREFECT_API_URL="http://127.0.0.1:1/api")
    assert (again.code, again.document["sent"]) == (0, {})
    assert again.document["skipped"]["run_late"] == "the Prefect server did not answer as expected (ConnectError)"
    assert [alert["subject"] for alert in again.document["open"]] == ["a/default"]

    shown = platform.command("alerts", "list")
    assert "a/default" in shown.out
    assert "last check" in shown.err
    for text in (failed.err, failed.out, done.err, again.err, shown.out, shown.err, str(waiting)):
        assert MARKER not in text
    kept = b"".join(path.read_bytes() for path in (platform.home / "lake" / "metadata" / "alerts").rglob("*.*"))
    assert b"a/default" in kept
    assert MARKER.encode() not in kept


def test_the_test_button(platform: Platform, inbox: Inbox) -> None:
    done = platform.command("alerts", "test", "--json")
    assert (done.code, done.document) == (0, {"hook": "sent", "chat": "off: CHAT is not set"})
    (message,) = inbox.messages
    assert message["test"] is True
    assert message["text"].startswith("TEST. This is a test of the channel 'hook'")
    assert not (platform.home / "lake" / "metadata" / "alerts").exists(), "a test opens nothing"

    unknown = platform.command("alerts", "test", "--channel", "hok")
    assert (unknown.code, "did you mean 'hook'" in unknown.err) == (2, True)
    inbox.status = 404
    failed = platform.command("alerts", "test", "--channel", "hook")
    assert failed.code == 1
    assert "it answered 404" in failed.err
    assert MARKER not in failed.err + failed.out


def test_a_wrong_alerts_file_is_bad_usage(platform: Platform) -> None:
    (platform.home / "alerts.yaml").write_text("rules: {stale_store: {hour: 3}}")
    done = platform.command("alerts", "check")
    assert done.code == 2
    assert "rules.stale_store.hour: unknown field; did you mean 'hours'?" in " ".join(done.err.split())
