"""Loguru's lines in the Prefect run log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from loguru import logger
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

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
    """Copy loguru's lines to the log of the flow or task run they are written in."""
    if _forwarding.get():  # a flow within a flow
        yield
        return
    token = _forwarding.set(True)
    # Not enqueued: the run is found in the context of the line's own thread or task.
    handler = logger.add(_forward, level="INFO", format="{message}", enqueue=False)
    try:
        yield
    finally:
        logger.remove(handler)
        _forwarding.reset(token)
