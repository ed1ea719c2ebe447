"""Three APIs on ports of their own, in a thread for tests or in the foreground for a person."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from aiohttp import web

from gondola.sandbox.retailers.apis import SECRETS, Api, make_apis
from gondola.sandbox.retailers.faults import RetailerFaults
from gondola.sandbox.retailers.sales import RetailWorld
from gondola.sandbox.retailers.truth import truth

__all__ = ["RetailerSandbox", "run_retailers"]

_HOST = "127.0.0.1"


class RetailerSandbox:
    """The retailers' APIs on this machine; as a context manager they answer from a thread of their own.

    Args:
        world: What is sold.
        faults: What goes wrong, or the share of requests that do.
        page_size: Most rows (or orders) of a page.
        port: Of the first; 0 for free ones.
        now: Seconds since 1970, by which signatures are judged.
    """

    def __init__(
        self,
        world: RetailWorld | None = None,
        *,
        faults: RetailerFaults | float = 0.0,
        page_size: int = 100,
        port: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.world = world or RetailWorld()
        self.faults = faults if isinstance(faults, RetailerFaults) else RetailerFaults(rate=faults)
        self.page_size = page_size
        self.now = now
        self._port = port
        self._apis: dict[str, Api] = make_apis(self)
        self._ports: dict[str, int] = {}
        self._runners: list[web.AppRunner] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The secrets, as the variables that the retailers file names."""
        return dict(SECRETS)

    def seen(self, retailer: str) -> Counter[str]:
        """How often a retailer answered with each status, and met each fault."""
        return self._apis[retailer].seen

    def base_url(self, retailer: str) -> str:
        """Where a retailer answers; known once it is served."""
        return f"http://{_HOST}:{self._ports[retailer]}"

    def retailers_document(self) -> dict[str, Any]:
        """The three in the format of a retailers file."""
        return {"retailers": [api.entry(self.base_url(name)) for name, api in self._apis.items()]}

    def write_retailers_file(self, path: Path) -> Path:
        """Write a retailers file that points here."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(self.retailers_document(), allow_unicode=True, sort_keys=False), "utf-8")
        return path

    def write_truth_file(self, path: Path, first: date, last: date) -> Path:
        """Write what must come out when the days of a span were taken."""
        document = truth(self.world, first, last)
        path.write_text(json.dumps(document, default=str, ensure_ascii=False, indent=1), "utf-8")
        return path

    async def start(self) -> None:
        """Open the ports, in the running event loop."""
        try:
            for place, (name, api) in enumerate(self._apis.items()):
                runner = web.AppRunner(api.application(), access_log=None, shutdown_timeout=1.0)
                await runner.setup()
                self._runners.append(runner)
                await web.TCPSite(runner, _HOST, self._port + place if self._port else 0).start()
                self._ports[name] = runner.addresses[0][1]
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the ports."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gondola-retailers", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None


def run_retailers(sandbox: RetailerSandbox, announce: Callable[[RetailerSandbox], None]) -> None:
    """Serve until the process is asked to stop (SIGINT or SIGTERM).

    Args:
        sandbox: What to serve.
        announce: Called once all three answer.
    """
    asyncio.run(_serve_until_asked(sandbox, announce))


async def _serve_until_asked(sandbox: RetailerSandbox, announce: Callable[[RetailerSandbox], None]) -> None:
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    await sandbox.start()
    try:
        announce(sandbox)
        await asked.wait()
    finally:
        await sandbox.stop()
