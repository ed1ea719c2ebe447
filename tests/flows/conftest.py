"""The market flow against the sandbox, under a real Prefect server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.platform import Platform
from tests.servers import prefect_server


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prefect_server(tmp_path_factory.mktemp("prefect")) as api, temporary_settings({PREFECT_API_URL: api}):
        yield api
        # What is still on its way is sent while there is somebody to take it.
        APILogWorker.drain_all(timeout=20)
        EventsWorker.drain_all(timeout=20)


@pytest.fixture
def platform(prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An empty platform of its own: lake, warehouse and spool in the test's folder."""
    made = Platform(tmp_path)
    made.use(monkeypatch)
    return made
