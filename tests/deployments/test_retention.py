"""What ended long ago is deleted from the server with all that belongs to it; nothing else is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from prefect import Task, flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, LogCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled, Completed, Crashed, Failed, Pending, Running, Scheduled, State

from tasks.retention import delete_old_flow_runs
from tests.deployments.conftest import wait_for

RETENTION = timedelta(days=30)


def test_old_runs_go_with_all_that_is_theirs(client: SyncPrefectClient) -> None:
    # More than a page of them.
    old = [run(client, Completed()) for _ in range(52)]
    old += [run(client, state) for state in (Failed(), Crashed(), Cancelled())]
    unfinished = [run(client, state) for state in (Running(), Pending(), Scheduled())]
    moment = datetime.now(UTC)
    kept = [run(client, Completed()), *unfinished]
    for one in (old[0], kept[0]):
        leave_things(client, one)

    # The server writes down itself when a run ended: it is the present that is moved.
    deleted = asyncio.run(delete_old_flow_runs.fn(RETENTION, moment + RETENTION))

    assert deleted >= len(old)
    assert ids(client, old) == set()
    assert ids(client, kept) == {one.id for one in kept}
    assert counts(client, kept[0]) == (1, 1, 1)
    wait_for(lambda: counts(client, old[0]) == (0, 0, 0), said=lambda: str(counts(client, old[0])))
    assert asyncio.run(delete_old_flow_runs.fn(RETENTION, moment + RETENTION)) == 0


def run(client: SyncPrefectClient, state: State) -> FlowRun:
    """A run in a state."""
    made = client.create_flow_run(flow(lambda: None, name="old"), state=Running())  # type: ignore[call-overload]
    client.set_flow_run_state(made.id, state, force=True)
    return client.read_flow_run(made.id)


def leave_things(client: SyncPrefectClient, one: FlowRun) -> None:
    client.create_task_run(task=Task(fn=lambda: None, name="step"), flow_run_id=one.id, dynamic_key="0")
    client.create_artifact(ArtifactCreate(key="a", type="markdown", data="a", flow_run_id=one.id))
    client.create_logs([LogCreate(name="a", level=20, message="a", timestamp=datetime.now(UTC), flow_run_id=one.id)])


def counts(client: SyncPrefectClient, one: FlowRun) -> tuple[int, int, int]:
    """Its task runs, artifacts and lines of log."""
    return (
        len(client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[one.id])))),
        len(client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[one.id])))),
        len(client.read_logs(log_filter=LogFilter(flow_run_id=LogFilterFlowRunId(any_=[one.id])))),
    )


def ids(client: SyncPrefectClient, runs: list[FlowRun]) -> set[object]:
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[one.id for one in runs]))
    return {one.id for one in client.read_flow_runs(flow_run_filter=chosen, limit=200)}
