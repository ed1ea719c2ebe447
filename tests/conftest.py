"""Fixtures for every part of the suite: storage servers, a Prefect server, an empty lake, an empty platform."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.lake import Lake
from tests.backends import BACKENDS, Backend, apply_environment, fresh_backend, serve_azure, serve_s3
from tests.platform import Platform
from tests.servers import prefect_server, use_prefect

# Tasks read their rests between tries when they are imported; no test waits for real ones.
os.environ["GONDOLA_RETRY_DELAYS_SECONDS"] = "[0.1]"
os.environ["GONDOLA_RETAILER_RETRY_DELAYS_SECONDS"] = "[0.1, 0.1]"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[dict[str, str]]:
    with serve_s3() as environment:
        yield environment


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serve_azure(tmp_path_factory.mktemp("azurite")) as environment:
        yield environment


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """An empty lake on each kind of storage, with its variables set."""
    result = fresh_backend(request, request.param, tmp_path)
    apply_environment(monkeypatch, result.environment)
    return result


@pytest.fixture
def lake_uri(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an empty lake on each kind of storage; `GONDOLA_LAKE` says the same."""
    monkeypatch.setenv("GONDOLA_LAKE", backend.uri)
    return backend.uri


@pytest.fixture
def lake(lake_uri: str) -> Lake:
    return Lake.open(lake_uri)


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prefect_server(tmp_path_factory.mktemp("prefect")) as api, use_prefect(api):
        yield api


@pytest.fixture
def platform(prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An empty platform of its own: lake, warehouse and spool in the test's folder."""
    made = Platform(tmp_path)
    made.use(monkeypatch)
    return made
