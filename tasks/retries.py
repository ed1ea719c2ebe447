"""When a task is tried again: on transient errors only, after a jittered wait."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.states import aget_state_exception

from gondola.errors import is_transient
from gondola.settings import get_settings

__all__ = ["RETRY_DELAYS_SECONDS", "RETRY_JITTER", "only_transient"]

RETRY_DELAYS_SECONDS = list(get_settings().retry_delays_seconds)
RETRY_JITTER = 0.5


async def only_transient(_task: Any, _task_run: TaskRun, state: State[Any]) -> bool:
    """Prefect's retry condition: whether the error may pass by itself."""
    return is_transient(await aget_state_exception(state))
