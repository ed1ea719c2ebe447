"""When a task is tried again: on transient errors only, after a jittered wait."""

from __future__ import annotations

from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import aget_state_exception

from gondola.errors import is_transient
from gondola.settings import get_settings

__all__ = ["STEP"]


async def _only_transient(_task: Any, _task_run: TaskRun, state: State[Any]) -> bool:
    """Prefect's retry condition: whether the error may pass by itself."""
    return is_transient(await aget_state_exception(state))


_DELAYS_SECONDS = list(get_settings().retry_delays_seconds)

STEP: dict[str, Any] = {
    "retries": len(_DELAYS_SECONDS),
    "retry_delay_seconds": _DELAYS_SECONDS,
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": _only_transient,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""Options of a Prefect task that talks to the world outside: never cached, tried again when that may help."""
