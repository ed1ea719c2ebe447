"""A real worker for tests, and ways to end it: politely, or with everything it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Worker", "running_worker"]


@dataclass
class Worker:
    """`prefect worker start`, in a process of its own."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def children(self) -> list[int]:
        """The processes of flow runs it started, and of those, and so on."""
        listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        parents = {int(pid): int(parent) for pid, parent in map(str.split, listed.splitlines())}
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found[1:]

    def kill(self) -> None:
        """End worker and flow runs at once, without a word."""
        doomed = [self.process.pid, *self.children]
        for pid in doomed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def terminate(self) -> None:
        """Ask the worker to end, as systemd and Kubernetes do."""
        self.process.terminate()
        self.process.wait(timeout=60)

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")


@contextmanager
def running_worker(home: Path, api: str, environment: Mapping[str, str]) -> Iterator[Worker]:
    """A worker of the pool `gondola`, ended with all it started when the block ends.

    Args:
        home: Folder for its log and Prefect's own files.
        api: Address of the server.
        environment: Variables of the flow runs, beside those of this process.
    """
    home.mkdir(parents=True, exist_ok=True)
    log = home / f"worker-{time.monotonic_ns()}.log"
    settings = {
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "DO_NOT_TRACK": "1",
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "gondola"],
            env=os.environ | settings | dict(environment),
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=home,
        )
    worker = Worker(process, log)
    try:
        yield worker
    finally:
        worker.kill()
