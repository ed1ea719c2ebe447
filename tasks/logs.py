"""Loguru's lines in the Prefect run log and in the JSON log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

from loguru import logger
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from gondola.logs import add_json_log
from gondola.settings import get_settings

if TYPE_CHECKING:
    from loguru import Message

__all__ = ["lines_in_run_log"]


_forwarding: ContextVar[bool] = ContextVar("forwarding", default=False)


def _forward(message: Message) -> None:
    try:
        run_logger = get_run_logger()
    except MissingContextError:  # a line from outside any run, such as a background thread of a library
        return
    record = message.record
    run_logger.log(record["level"].no, record["message"])


@contextmanager
def lines_in_run_log() -> Iterator[None]:
    """Copy loguru's lines to the log of the flow or task run they are written in, and to the JSON log.

    It is the flow that does it, so that a worker's runs are logged like those of the command.
    """
    if _forwarding.get():  # a flow within a flow
        yield
        return
    token = _forwarding.set(True)
    # Not enqueued: the run is found in the context of the line's own thread or task.
    handlers = [logger.add(_forward, level="INFO", format="{message}", enqueue=False), add_json_log(get_settings())]
    try:
        yield
    finally:
        for handler in handlers:
            with suppress(OSError):  # a full disk under the log fails no run
                logger.remove(handler)
        _forwarding.reset(token)
