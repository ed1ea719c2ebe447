"""Storage servers for tests: moto for S3 and Azurite for Azure Blob, on free ports of this machine."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BACKENDS = ("local", "memory", "s3", "azure")
# Azurite's account of this name and key is built in and documented; it opens nothing else.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CLOUD_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
)
_AZURITE = ROOT / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
_START_SECONDS = 30
_known_environments: list[dict[str, str]] = []  # those whose clients fsspec may have cached


@dataclass(frozen=True)
class Backend:
    """One place a lake can be: the URI of a fresh, empty lake and the variables its clients need."""

    name: str
    uri: str
    environment: dict[str, str]


def only(*backends: str) -> pytest.MarkDecorator:
    """Run a test that uses `backend`, `lake_uri` or `lake` on these kinds of storage alone."""
    return pytest.mark.parametrize("backend", backends, indirect=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def azure_connection_string(port: int, key: str = AZURITE_KEY) -> str:
    return (
        f"DefaultEndpointsProtocol=http;AccountName={AZURITE_ACCOUNT};AccountKey={key};"
        f"BlobEndpoint=http://127.0.0.1:{port}/{AZURITE_ACCOUNT};"
    )


def s3_environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing-secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }


@contextmanager
def serve_s3() -> Iterator[dict[str, str]]:
    """A moto server with the bucket `lake`; gives the variables that lead to it."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = s3_environment(f"http://{host}:{port}")
        client = boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )
        client.create_bucket(Bucket="lake")
        client.close()
        yield environment
    finally:
        server.stop()


@contextmanager
def serve_azure(folder: Path) -> Iterator[dict[str, str]]:
    """An Azurite server with the container `lake`; skips with the reason where it is not installed."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Azure: node is not installed, so Azurite can't run")
    if not _AZURITE.exists():
        pytest.skip("Azure: Azurite is not installed; run `npm install` in the project's root")
    from azure.storage.blob import BlobServiceClient

    port = free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    options += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    log = folder / "azurite.log"
    with log.open("wb") as output:
        process = subprocess.Popen([node, str(_AZURITE), *options], stdout=output, stderr=output, cwd=folder)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"Azurite did not start: {log.read_text()[-2000:]}")
                time.sleep(0.05)
        connection_string = azure_connection_string(port)
        with BlobServiceClient.from_connection_string(connection_string) as client:
            client.create_container("lake")
        yield {"AZURE_STORAGE_CONNECTION_STRING": connection_string}
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def apply_environment(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    """Set a backend's variables, and no others of the clouds; clients made under others are dropped."""
    for name in CLOUD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if environment and environment not in _known_environments:
        forget_clients()
        _known_environments.append(environment)


def forget_clients() -> None:
    """Drop fsspec's cached clients, which hold the credentials and servers they were made with.

    A test that sets a cloud's variables by itself calls it before it opens a lake.
    """
    import fsspec

    _known_environments.clear()
    for protocol in ("s3", "az"):
        if (known := fsspec.registry.get(protocol)) is not None:
            known.clear_instance_cache()


def fresh_backend(request: pytest.FixtureRequest, name: str, folder: Path) -> Backend:
    """An empty lake of this kind; its server is started at its first use in the session."""
    unique = uuid.uuid4().hex[:12]
    if name == "local":
        return Backend(name, str(folder / "lake"), {})
    if name == "memory":
        return Backend(name, f"memory://{unique}", {})
    if name == "s3":
        return Backend(name, f"s3://lake/{unique}", request.getfixturevalue("s3_server"))
    return Backend(name, f"az://lake/{unique}", request.getfixturevalue("azure_server"))
