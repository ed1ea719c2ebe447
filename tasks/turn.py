"""One build of a warehouse at a time, over all processes of a machine."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from loguru import logger

from gondola.errors import LakeUnavailableError
from gondola.settings import Settings

__all__ = ["warehouse_turn"]

_LOOK_EVERY_SECONDS = 0.5


@contextmanager
def warehouse_turn(settings: Settings, *, patience: timedelta = timedelta(hours=2)) -> Iterator[None]:
    """Hold a warehouse from the start of a build to the end of its publish; wait while another run holds it.

    The system ends a dead process's hold, so a killed run is waited for by nobody.

    Args:
        settings: Name the warehouse.
        patience: How long to wait.

    Raises:
        LakeUnavailableError: The other run did not end in that time.
    """
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    path = settings.warehouse.with_name(f"{settings.warehouse.name}.lock")
    give_up = time.monotonic() + patience.total_seconds()
    waited = False
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > give_up:
                    message = (
                        f"{settings.warehouse}: another run has been building for longer than {patience}; "
                        "wait for its end, or end it, and try again"
                    )
                    raise LakeUnavailableError(message) from error
            if not waited:
                logger.info("another run builds {}; waiting for its end", settings.warehouse)
                waited = True
            time.sleep(_LOOK_EVERY_SECONDS)
        yield
