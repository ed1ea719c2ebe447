"""A world that all tests of the dashboard share, a server that shows it, and a Chromium to look at it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.platform import ROOT, Platform
from tests.servers import free_port

DAYS, PRODUCTS = 8, 220
_CHROMIUM_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Platform:
    """Some days of all systems, made once for all processes of a test run; nobody changes it."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "dashboard-world"
    platform = Platform(home)
    home.mkdir(exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first makes it, the others wait
        if not (home / "made").exists():
            command = [sys.executable, "-m", "tests.serving.dashboard.world", str(home), str(DAYS), str(PRODUCTS)]
            done = subprocess.run(
                command, env=os.environ | platform.environment, cwd=ROOT, capture_output=True, timeout=280, check=False
            )
            assert done.returncode == 0, done.stderr.decode()[-3000:]
            (home / "made").touch()
    return platform


@pytest.fixture
def copied(world: Platform, tmp_path: Path) -> Platform:
    """The same world, for a test that changes what is published."""
    for name in ("warehouse", "lake"):
        shutil.copytree(world.home / name, tmp_path / name)
    return Platform(tmp_path)


@contextmanager
def served(platform: Platform) -> Iterator[str]:
    """`gondola dashboard` in a process of its own; its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = platform.home / f"dashboard-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gondola", "dashboard", "--port", str(port)],
            env=os.environ | platform.environment, cwd=platform.home, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                    break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    message = f"the dashboard did not start:\n{log.read_text(errors='replace')[-3000:]}"
                    raise RuntimeError(message) from None
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def dashboard(world: Platform) -> Iterator[str]:
    with served(world) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()
