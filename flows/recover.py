"""Give a crashed run to the next worker."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from loguru import logger
from prefect import flow

from tasks.logs import lines_in_run_log
from tasks.recovery import retake_run

__all__ = ["recover"]


@flow(name="recover", flow_run_name="recover-{flow_run_id}", persist_result=False)
async def recover(flow_run_id: UUID, *, silence_seconds: float = 60, at_most: int = 2) -> str:
    """Schedule a crashed run of a deployment again, unless its process lives or it crashed too often.

    Args:
        flow_run_id: The run.
        silence_seconds: How long its heartbeat, which comes every 30 s, must not have been heard.
        at_most: Times a run is taken up.

    Returns:
        What was done, in words.

    Raises:
        RecoveryError: The run crashed after it was taken up that often.
    """
    with lines_in_run_log():
        done = await retake_run(flow_run_id, silence=timedelta(seconds=silence_seconds), at_most=at_most)
        logger.info("{}", done)
        return done
