"""A step is tried again when its error may pass, and only then."""

from __future__ import annotations

import pytest
from prefect import flow, task

from gondola.errors import RegionNotServedError, SourceUnavailableError
from tasks.retries import STEP


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (SourceUnavailableError("503"), 3),
        (TimeoutError("slow"), 3),
        (RegionNotServedError("no seller"), 1),
        (KeyError("a bug"), 1),
    ],
)
@pytest.mark.usefixtures("prefect_api")
async def test_only_transient_errors_are_tried_again(error: Exception, calls: int) -> None:
    seen: list[int] = []

    @task(**STEP | {"retries": 2, "retry_delay_seconds": [0.05, 0.05]})
    async def step() -> None:
        seen.append(1)
        raise error

    @flow
    async def once() -> None:
        await step()

    with pytest.raises(type(error)):
        await once()
    assert len(seen) == calls
