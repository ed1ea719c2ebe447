"""The sandbox: every store of a world on a port of its own, for a test, a demo or a person to look at."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from aiohttp import web

from gondola.sandbox.faults import Faults
from gondola.sandbox.server import application
from gondola.sandbox.site import Clock, Site, StoreStats
from gondola.sandbox.truth import Fact, planted, write_truth_file
from gondola.sandbox.world import EPOCH, World

__all__ = ["Sandbox", "run_server"]

_HOST = "127.0.0.1"
_TRUTH_DAYS = 14


class Sandbox:
    """Fake stores on this machine.

    Used as a context manager it serves from a thread of its own, so that a test or a notebook goes on beside it;
    `serve` runs it in the caller's event loop.

    Args:
        seed: The world's seed.
        products: Products a store.
        day: The day to begin with.
        faults: The share of requests that go wrong, or a whole plan of faults.
        epoch: The date of day 0.
        ports: Store id -> port; the stores not named get free ones.
        world: A world made elsewhere, in place of `seed`, `products` and `epoch`.
    """

    def __init__(
        self,
        *,
        seed: int = 2026,
        products: int = 3000,
        day: int = 0,
        faults: float | Faults = 0.0,
        epoch: date = EPOCH,
        ports: Mapping[str, int] | None = None,
        world: World | None = None,
    ) -> None:
        self.world = world or World(seed, products, epoch=epoch)
        self.faults = faults if isinstance(faults, Faults) else Faults(rate=faults)
        self._clock = Clock(day)
        self._asked_ports = dict(ports or {})
        self._ports: dict[str, int] = {}
        self._runners: list[web.AppRunner] = []
        self._sites = {store.shop.id: Site(store, self._clock, self.faults) for store in self.world.stores}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def day(self) -> int:
        """The world's day."""
        return self._clock.day

    @property
    def date(self) -> date:
        """The world's date."""
        return self.world.date_of(self._clock.day)

    def set_day(self, day: int) -> None:
        """Move the world to another day."""
        if day < 0:
            message = f"the world begins on day 0, {self.world.epoch}; got day {day}"
            raise ValueError(message)
        self._clock.day = day

    def stats(self, store: str) -> StoreStats:
        """What a store saw of its visitors."""
        return self._sites[store].stats

    def reset_stats(self) -> None:
        """Forget what the stores saw."""
        for site in self._sites.values():
            site.stats = StoreStats()

    def base_url(self, store: str) -> str:
        """Where a store answers; known once it is served."""
        return f"http://{_HOST}:{self._ports[store]}"

    def stores_document(self) -> dict[str, Any]:
        """The stores and their regions, in the format of a stores file."""
        return {"stores": [self._store_entry(site) for site in self._sites.values()]}

    def _store_entry(self, site: Site) -> dict[str, Any]:
        shop = site.shop
        entry: dict[str, Any] = {
            "id": shop.id,
            "name": shop.name,
            "platform": "vtex",
            "base_url": self.base_url(shop.id),
            "api": shop.api,
            "sales_channel": next(iter(shop.channels)),
            "region_method": shop.region_method,
            # loopback: there is nobody to be polite to
            "concurrency": 16,
            "requests_per_second": 1000,
        }
        if shop.regions:
            entry["regions"] = [
                {"id": region.id, "postal_code": f"{region.postal_code[:5]}-{region.postal_code[5:]}"}
                | ({"sales_channel": region.sales_channel} if region.sales_channel else {})
                for region in shop.regions
            ]
        return entry

    def write_stores_file(self, path: Path) -> Path:
        """Write the stores as a stores file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(self.stores_document(), allow_unicode=True, sort_keys=False)
        path.write_text(text, encoding="utf-8")
        return path

    def planted(self, first_day: int, last_day: int) -> list[Fact]:
        """The truths planted in a span of days; see `gondola.sandbox.truth.planted`."""
        return planted(self.world, first_day, last_day)

    def write_truth_file(self, path: Path, first_day: int, last_day: int) -> Path:
        """Write the truths planted in a span of days as JSON."""
        write_truth_file(self.world, path, first_day, last_day)
        return path

    async def start(self) -> None:
        """Open the ports, in the running event loop."""
        try:
            for store_id, site in self._sites.items():
                runner = web.AppRunner(application(site), access_log=None, shutdown_timeout=1.0)
                await runner.setup()
                self._runners.append(runner)
                await web.TCPSite(runner, _HOST, self._asked_ports.get(store_id, 0)).start()
                self._ports[store_id] = runner.addresses[0][1]
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the ports."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()

    async def serve(self) -> None:
        """Serve until cancelled."""
        await self.start()
        try:
            await asyncio.Event().wait()
        finally:
            await self.stop()

    def __enter__(self) -> Self:
        loop = asyncio.new_event_loop()
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever, name="gondola-sandbox", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result()
        except BaseException:
            self._end_thread()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self.stop(), self._loop).result()
        self._end_thread()

    def _end_thread(self) -> None:
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None


def run_server(
    *,
    port: int = 8700,
    day: int = 0,
    seed: int = 2026,
    products: int = 3000,
    faults: float | Faults = 0.0,
    stores_file: Path | None = None,
    truth_file: Path | None = None,
    announce: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serve the stores until the process is asked to stop (SIGINT or SIGTERM).

    Args:
        port: The first store's port; each further store takes the next. 0 takes free ones.
        day: The world's day.
        seed: The world's seed.
        products: Products a store.
        faults: The share of requests that go wrong, or a whole plan of faults.
        stores_file: Where to write a stores file that points at the stores.
        truth_file: Where to write what is planted from the fortnight before the day to the fortnight after it.
        announce: Called with the sandbox once every store answers.
    """
    world = World(seed, products)
    ports = {store.shop.id: port + place for place, store in enumerate(world.stores)} if port else {}
    sandbox = Sandbox(day=day, faults=faults, ports=ports, world=world)
    asyncio.run(_serve_until_asked(sandbox, stores_file, truth_file, announce))


async def _serve_until_asked(
    sandbox: Sandbox,
    stores_file: Path | None,
    truth_file: Path | None,
    announce: Callable[[Sandbox], None] | None,
) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    await sandbox.start()
    try:
        if stores_file is not None:
            sandbox.write_stores_file(stores_file)
        if truth_file is not None:
            sandbox.write_truth_file(truth_file, max(0, sandbox.day - _TRUTH_DAYS), sandbox.day + _TRUTH_DAYS)
        if announce is not None:
            announce(sandbox)
        await asked.wait()
    finally:
        await sandbox.stop()
