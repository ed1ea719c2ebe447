"""Real servers for tests: started on free ports of this machine, ended by the process that started them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

__all__ = ["free_port", "prefect_server", "use_prefect"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def prefect_server(home: Path, **settings: str) -> Iterator[str]:
    """A Prefect server on SQLite in `home`, unless its settings say otherwise; yields the address of its API."""
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    environment = os.environ | {
        "PREFECT_HOME": str(home),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        **settings,
    }
    log = home / "server.log"
    home.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-ui",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                with urllib.request.urlopen(f"{api}/health", timeout=2):
                    break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    message = f"the Prefect server did not start:\n{log.read_text(errors='replace')[-3000:]}"
                    raise RuntimeError(message) from None
                time.sleep(0.3)
        yield api
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def use_prefect(api: str) -> Iterator[None]:
    """Let this process speak to a server.

    Prefect's senders of events and logs stay with the server that they spoke to first. So what they still hold is sent,
    and they end, whenever another takes its place.
    """
    _end_senders()
    with temporary_settings({PREFECT_API_URL: api}):
        yield
        _end_senders()


def _end_senders() -> None:
    APILogWorker.drain_all(timeout=20)
    EventsWorker.drain_all(timeout=20)
