"""When a crashed run is taken up again, and when it is not."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.states import Completed, Crashed, Running

from deployments.deploy import deploy
from gondola.errors import RecoveryError
from tasks.recovery import retake_run
from tests.deployments.conftest import Project, wait_for

SILENCE_SECONDS = 6  # the server takes a second or two to show an event


@pytest.fixture
def crashed(project: Project, client: SyncPrefectClient) -> FlowRun:
    """A run of a deployment that was marked as crashed."""
    deploy(project.home)
    deployment = client.read_deployment_by_name("tiny/daily")
    run = client.create_flow_run_from_deployment(deployment.id, parameters={"rows": 7})
    client.set_flow_run_state(run.id, Running(), force=True)
    client.set_flow_run_state(run.id, Crashed(message="silent"))
    return client.read_flow_run(run.id)


def retake(run: FlowRun, *, silence: float = 0, at_most: int = 2) -> str:
    return asyncio.run(retake_run(run.id, silence=timedelta(seconds=silence), at_most=at_most))


def names(client: SyncPrefectClient, run: FlowRun) -> list[str]:
    return [state.name or "" for state in client.read_flow_run_states(run.id)]


def test_it_is_taken_up_twice_and_then_given_up(crashed: FlowRun, client: SyncPrefectClient) -> None:
    for time_ in (1, 2):
        assert f"taken up again, {time_} of 2 times" in retake(crashed)
        run = client.read_flow_run(crashed.id)
        assert run.state_name == "Recovering"
        assert run.parameters == {"rows": 7}
        assert "left alone" in retake(crashed), "a second recovery of the same crash does nothing"
        # It dies before it begins: Prefect's own count of attempts, which counts beginnings, would never grow.
        client.set_flow_run_state(run.id, Crashed(message="died at once"), force=True)
    with pytest.raises(RecoveryError, match=r"taken up 2 times.*died at once.*retry it in the UI"):
        retake(crashed)
    assert client.read_flow_run(crashed.id).state_name == "Crashed"


def test_a_crash_starts_a_recovery(project: Project, client: SyncPrefectClient) -> None:
    project.take_ours()
    recover = project.entry("recover", name="on-crash", schedules=[])
    watched = project.entry(name="watched", tags=["watched"], schedules=[])
    project.deployments(recover, watched, project.entry(name="not", schedules=[]))
    deploy(project.home)
    runs = {}
    for name in ("not", "watched"):
        run = client.create_flow_run_from_deployment(client.read_deployment_by_name(f"tiny/{name}").id)
        client.set_flow_run_state(run.id, Running(), force=True)
        client.set_flow_run_state(run.id, Crashed())
        runs[name] = run
    only = FlowFilter(name=FlowFilterName(any_=["recover"]))
    started = wait_for(lambda: client.read_flow_runs(flow_filter=only))
    assert [run.parameters for run in started] == [{"flow_run_id": str(runs["watched"].id)}]


def test_flows_within_it_end_with_it(crashed: FlowRun, client: SyncPrefectClient) -> None:
    child = _child(client, crashed)
    retake(crashed)
    assert client.read_flow_run(child).state_name == "Crashed"


def _child(client: SyncPrefectClient, parent: FlowRun) -> UUID:
    from prefect import Task, flow
    from prefect.client.schemas.objects import TaskRun

    task_run: TaskRun = client.create_task_run(
        task=Task(fn=lambda: None, name="inner"), flow_run_id=parent.id, dynamic_key="0"
    )
    inner = client.create_flow_run(
        flow(lambda: None, name="inner"),  # type: ignore[call-overload]
        parent_task_run_id=task_run.id,
        state=Running(),
    )
    return UUID(str(inner.id))


def test_what_did_not_crash_or_has_no_deployment_is_left_alone(crashed: FlowRun, client: SyncPrefectClient) -> None:
    from prefect import flow

    client.set_flow_run_state(crashed.id, Completed(), force=True)
    assert "is Completed: left alone" in retake(crashed)

    by_hand = client.create_flow_run(flow(lambda: None, name="by-hand"), state=Running())  # type: ignore[call-overload]
    client.set_flow_run_state(by_hand.id, Crashed())
    assert "by hand" in retake(by_hand)


def in_thread(what: Callable[[], object]) -> threading.Thread:
    """A thread that knows the server, as Prefect's settings are kept in the context."""
    thread = threading.Thread(target=contextvars.copy_context().run, args=(what,), daemon=True)
    thread.start()
    return thread


@contextmanager
def beating(run: FlowRun) -> Iterator[threading.Event]:
    """Heartbeats of a run, until the event that is given is set."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.2):
            emit_event("prefect.flow-run.heartbeat", resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"})

    thread = in_thread(beat)
    try:
        yield stop
    finally:
        stop.set()
        thread.join()
        EventsWorker.drain_all(timeout=20)


def test_a_run_whose_heart_beats_is_not_started_twice(crashed: FlowRun, client: SyncPrefectClient) -> None:
    """The server was away and took it for dead; it goes on, and ends well."""
    with beating(crashed):
        done: list[str] = []
        recovery = in_thread(lambda: done.append(retake(crashed, silence=SILENCE_SECONDS)))
        time.sleep(SILENCE_SECONDS + 4)  # longer than the silence: only the heartbeat holds it back
        assert recovery.is_alive()
        assert "Recovering" not in names(client, crashed)
        client.set_flow_run_state(crashed.id, Completed())
        wait_for(lambda: done, seconds=30)
    assert "is Completed: left alone" in done[0]
    assert "Recovering" not in names(client, crashed)


@pytest.mark.slow
def test_a_run_whose_heart_stops_is_taken_up(crashed: FlowRun, client: SyncPrefectClient) -> None:
    with beating(crashed) as stop:
        done: list[str] = []
        in_thread(lambda: done.append(retake(crashed, silence=SILENCE_SECONDS)))
        time.sleep(SILENCE_SECONDS + 1)
        assert not done
        stop.set()
        wait_for(lambda: done, seconds=30)
    assert "taken up again" in done[0]
    assert names(client, crashed)[-1] == "Recovering"
