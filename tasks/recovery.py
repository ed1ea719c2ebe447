"""Take a crashed flow run up again: the same run, on the next worker, a bounded number of times."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from loguru import logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventOrder, EventResourceFilter
from prefect.states import Crashed, Scheduled

from gondola.errors import RecoveryError

__all__ = ["retake_run"]

_STATE_NAME = "Recovering"
_UNFINISHED = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED, StateType.CANCELLING]


async def retake_run(flow_run_id: UUID, *, silence: timedelta, at_most: int) -> str:
    """Schedule a crashed run again, once it is sure that nobody runs it still.

    A run may be marked as crashed while its process lives: the server was away, or the machine slept. Two crawls at
    once would share a store's patience, so the run is left alone as long as its heartbeat is heard.

    How often it was taken up is counted in the run's own states, which the server keeps: a recovery that is itself
    killed and begun again counts right.

    Args:
        flow_run_id: A run of a deployment.
        silence: How long nothing must have been heard of it: twice the heartbeat.
        at_most: Times a run is taken up.

    Returns:
        What was done, in words.

    Raises:
        RecoveryError: The run crashed after it was taken up `at_most` times.
    """
    async with get_client() as client:
        run = await _silent_run(client, flow_run_id, silence)
        name = f"{run.name} ({run.id})"
        if run.state is None or not run.state.is_crashed():
            return f"{name} is {run.state_name}: left alone"
        if run.deployment_id is None:
            return f"{name} was started by hand, not from a deployment: start it again by hand"
        await _end_children(client, run)
        states = await client.read_flow_run_states(run.id)
        taken_up = sum(state.type is StateType.SCHEDULED and state.name == _STATE_NAME for state in states)
        if taken_up >= at_most:
            message = (
                f"{name} crashed again after it was taken up {taken_up} times; it is not taken up any more. "
                f"Last: {run.state.message}. See its log and its worker's, then retry it in the UI"
            )
            raise RecoveryError(message)
        again = f"taken up again, {taken_up + 1} of {at_most} times"
        state: State[Any] = Scheduled(name=_STATE_NAME, message=f"{again}, after: {run.state.message}")
        result = await client.set_flow_run_state(run.id, state)
        if result.status.value != "ACCEPT":
            message = f"{name} can't be taken up: {result.details}"
            raise RecoveryError(message)
        return f"{name} {again}"


async def _silent_run(client: PrefectClient, flow_run_id: UUID, silence: timedelta) -> FlowRun:
    """The run as it is when nothing was heard of it for some time, or when it is not crashed any more."""
    while True:
        run = await client.read_flow_run(flow_run_id)
        if run.state is None or not run.state.is_crashed():
            return run
        heard = await _last_heartbeat(client, flow_run_id, since=run.state.timestamp)
        left = (heard or run.state.timestamp) + silence - datetime.now(UTC)
        if left <= timedelta(0):
            return run
        if heard:
            logger.warning("{} is marked as crashed, but its heartbeat is heard: waiting for its end", run.name)
        await asyncio.sleep(left.total_seconds())


async def _last_heartbeat(client: PrefectClient, flow_run_id: UUID, *, since: datetime) -> datetime | None:
    page = await client.read_events(
        EventFilter(
            occurred=EventOccurredFilter(since=since),
            event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
            resource=EventResourceFilter(id=[f"prefect.flow-run.{flow_run_id}"]),
            order=EventOrder.DESC,
        ),
        limit=1,
    )
    return page.events[0].occurred if page.events else None


async def _end_children(client: PrefectClient, run: FlowRun) -> None:
    """Mark flows within the dead flow as crashed: no automation knows them, and they would run for ever."""
    children = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run.id]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNFINISHED)),
        )
    )
    for child in children:
        await client.set_flow_run_state(child.id, Crashed(message=f"its parent {run.name} crashed"))
