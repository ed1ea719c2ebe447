"""What a Prefect server forgets: runs that ended long ago."""

from __future__ import annotations

from datetime import datetime, timedelta

from loguru import logger
from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun
from prefect.exceptions import ObjectNotFound

from tasks.retries import STEP

__all__ = ["delete_old_flow_runs"]

_PAGE = 50


@task(task_run_name="delete-old-flow-runs", tags=["maintenance"], **STEP)
async def delete_old_flow_runs(older_than: timedelta, now: datetime) -> int:
    """Delete flow runs that ended long ago from the Prefect server, with their task runs, logs and artifacts.

    Page by page, so that it can be ended at any moment and go on the next time. A run that has not ended, or is
    still to come, is never touched.

    Args:
        older_than: Age by the time a run ended.
        now: The present, with zone.

    Returns:
        How many were deleted.
    """
    ended = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=sorted(TERMINAL_STATES))),
        end_time=FlowRunFilterEndTime(before_=now - older_than),
    )
    deleted = 0
    async with get_client() as client:
        while runs := await client.read_flow_runs(flow_run_filter=ended, limit=_PAGE):
            for run in runs:
                await _delete(client, run)
            deleted += len(runs)
    logger.info("deleted {} flow runs that ended more than {} ago", deleted, older_than)
    return deleted


async def _delete(client: PrefectClient, run: FlowRun) -> None:
    """Delete one run; its artifacts first, since nobody finds them without it."""
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    try:
        while artifacts := await client.read_artifacts(artifact_filter=of_run, limit=_PAGE):
            for artifact in artifacts:
                await client.delete_artifact(artifact.id)
        # The server deletes its states and task runs in the same transaction, and its logs right after.
        await client.delete_flow_run(run.id)
    except ObjectNotFound:
        logger.debug("{} was deleted by somebody else", run.id)
