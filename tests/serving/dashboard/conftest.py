"""A server that shows the published world, and a Chromium to look at it."""

from __future__ import annotations

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
from tests.serving.conftest import Published

DAYS, PRODUCTS = 10, 220
_CHROMIUM_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """What all tests of the serving side read; for pictures a world with more days and products."""
    if not os.environ.get("DOCS_SCREENSHOTS"):
        published: Published = request.getfixturevalue("published")
        return published.platform
    home = tmp_path_factory.mktemp("world")
    platform = Platform(home)
    command = [sys.executable, "-m", "tests.serving.dashboard.world", str(home), str(DAYS), str(PRODUCTS)]
    subprocess.run(command, env=os.environ | platform.environment, cwd=ROOT, check=True)
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium; while it is there an event loop runs in this thread, so no flow can."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()
