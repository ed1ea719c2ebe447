"""Alerts under Prefect: real runs on a real server, a real receiver of messages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow
from prefect.states import AwaitingConcurrencySlot, Cancelled, Crashed, Pending, Scheduled

from flows.alerts import check_alerts
from gondola.sandbox import Sandbox, World
from gondola.settings import get_settings
from tasks.alerts import our_deployments, read_prefect, run_check
from tests.platform import Platform
from tests.receivers import Inbox, receive_webhooks

MARKER = "S3CR3T-marker"


@dataclass
class Deployment:
    """A deployment on the server, whose flow fails as told."""

    id: uuid.UUID
    name: str
    flow: Any

    def run(self, *, fails: bool) -> FlowRun:
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(self.id, parameters={"fails": fails})
        run_flow(self.flow, flow_run=run, parameters={"fails": fails}, return_type="state")
        return run

    def create(self, state: Any) -> FlowRun:
        """A run that stays in a state, as no worker looks for it."""
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(self.id, state=Scheduled(scheduled_time=_ago(minutes=20)))
            client.set_flow_run_state(run.id, state, force=True)
        return run


@pytest.fixture
def inbox(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """The receiver of a platform's alerts."""
    (platform.home / "stores.yaml").write_text("stores: []\n")
    (platform.home / "alerts.yaml").write_text("channels: [{name: hook, kind: webhook, variable: HOOK}]\n")
    with receive_webhooks() as receiver:
        monkeypatch.setenv("HOOK", f"{receiver.address}/{MARKER}")
        monkeypatch.setenv("GONDOLA_ALERTS_FILE", str(platform.home / "alerts.yaml"))
        get_settings.cache_clear()
        yield receiver


@pytest.fixture
def deployment(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment of its own, as the server is shared with other tests."""
    name = f"market-{uuid.uuid4().hex[:8]}"

    @flow(name=name, persist_result=False)
    def made(*, fails: bool) -> None:
        if fails:
            message = "the shelf fell down"
            raise RuntimeError(message)

    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(made)
        made_id = client.create_deployment(flow_id, name="daily", enforce_parameter_schema=False)
    full = f"{name}/daily"
    monkeypatch.setattr("tasks.alerts.our_deployments", lambda: frozenset({full, "nobody/knows-it"}))
    return Deployment(made_id, full, made)


def _ago(**length: float) -> datetime:
    return datetime.now(UTC) - timedelta(**length)


def _check() -> Any:
    return check_alerts(return_state=True)


def test_a_failing_run_is_one_message_and_a_later_success_another(deployment: Deployment, inbox: Inbox) -> None:
    assert _check().name == "Completed"
    failed = deployment.run(fails=True)
    _check()
    (message,) = inbox.messages
    (alert,) = message["alerts"]
    assert (alert["event"], alert["rule"], alert["subject"]) == ("opened", "run_failed", deployment.name)
    assert "the shelf fell down" in alert["what"]
    assert alert["link"].endswith(f"/runs/flow-run/{failed.id}")
    assert alert["link"] in message["text"]
    with get_client(sync_client=True) as client:
        (table, *_) = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["alerts"])), limit=1, sort="UPDATED_DESC"
        )
    assert deployment.name in str(table.data)
    assert MARKER not in str(table.data)

    _check()
    deployment.run(fails=True)
    _check()
    assert len(inbox.messages) == 1, "one episode is one message"

    deployment.run(fails=False)
    _check()
    _check()
    assert [event for event, _, _ in inbox.events] == ["opened", "closed"]
    assert inbox.messages[-1]["text"].count("recovered") == 1


def test_a_crash_counts_and_a_cancelled_run_does_not(deployment: Deployment, inbox: Inbox) -> None:
    deployment.create(Cancelled())
    _check()
    assert inbox.messages == []
    deployment.create(Crashed(message="its worker is gone"))
    _check()
    assert "crashed: its worker is gone" in inbox.messages[0]["text"]


def test_a_message_that_was_not_taken_is_sent_at_the_next_check(deployment: Deployment, inbox: Inbox) -> None:
    inbox.status = 503
    deployment.run(fails=True)
    state = _check()
    assert (state.name, inbox.messages, inbox.refused) == ("Undelivered", [], 1)
    assert "hook" in state.message
    assert state.result().failed["hook"].startswith("channel hook (webhook) did not take the message: it answered 503")
    inbox.status = 200
    assert _check().name == "Completed"
    _check()
    assert [event for event, _, _ in inbox.events] == ["opened"]


def test_a_run_that_nobody_starts_is_late(deployment: Deployment, inbox: Inbox) -> None:
    queued = deployment.create(AwaitingConcurrencySlot(scheduled_time=_ago(minutes=20)))
    taken = deployment.create(Pending())
    _check()
    assert inbox.messages == [], "one waits for a slot, the other was taken by a worker just now"
    late = deployment.create(Scheduled(scheduled_time=_ago(minutes=20)))
    _check()
    assert inbox.events == [("opened", "run_late", deployment.name)]
    with get_client(sync_client=True) as client:
        for run in (late, queued, taken):
            client.set_flow_run_state(run.id, Cancelled(), force=True)
    _check()
    assert inbox.events[1:] == [("closed", "run_late", deployment.name)]


def test_only_our_deployments_are_looked_at(deployment: Deployment) -> None:
    deployment.run(fails=True)
    facts = read_prefect(["market/another", deployment.name], now=datetime.now(UTC))
    assert not isinstance(facts, str)
    assert facts.deployments == {deployment.name}
    assert read_prefect([], now=datetime.now(UTC)).finished == ()  # type: ignore[union-attr]


def test_a_check_from_cron_needs_no_flow(deployment: Deployment, inbox: Inbox) -> None:
    deployment.run(fails=True)
    report = run_check(get_settings())
    assert report.sent == {"hook": 1}
    assert _check().result().sent == {}, "it is the same state"


def test_what_a_crawl_left_is_judged(platform: Platform, inbox: Inbox) -> None:
    with Sandbox(world=World(products=120, outages=False), day=5) as sandbox:
        crawled = platform.crawl(sandbox, stores=["aurora"], build=False)
    assert (crawled.status, crawled.not_served) == ("complete", ("aurora/lages",))
    now = datetime.now(UTC)
    assert run_check(get_settings(), now=now).open == ()
    stale = {alert.subject for alert in run_check(get_settings(), now=now + timedelta(hours=27)).open}
    assert {"aurora/florianopolis", "aurora/joinville", "serra/default"} <= stale
    assert "aurora/lages" not in stale, "where a store does not sell there is nothing to crawl"
    assert {subject for _, _, subject in inbox.events} == stale


def test_our_deployments_are_those_of_the_file() -> None:
    assert {"market/daily", "transform/on-demand", "check-alerts/watch"} <= our_deployments()
