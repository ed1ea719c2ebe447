"""Fixtures that every part of the suite may use: the storage servers and an empty lake on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.lake import Lake
from tests.backends import BACKENDS, Backend, apply_environment, fresh_backend, serve_azure, serve_s3


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
