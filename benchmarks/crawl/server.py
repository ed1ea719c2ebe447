"""A local VTEX legacy catalogue for benchmarks: prepared pages, the real limits, nothing computed while clients run.

`python -m benchmarks.crawl.server --products 30000` prints one JSON line (address and truth) once it listens.
A plain asyncio protocol answers from a memory map: an HTTP framework here would be slower than the fastest client.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import mmap
import os
import signal
import time
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlsplit

from benchmarks.crawl.catalogue import PAGE, World, prepare

_SEARCH = "/api/catalog_system/pub/products/search"
_TREE = "/api/catalog_system/pub/category/tree/"
_LAST_FROM = 2500
_JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_REASONS = {200: "OK", 206: "Partial Content", 400: "Bad Request", 404: "Not Found", 501: "Not Implemented"}
# What changes nothing of the answer here: default channel, no checkout simulation.
_IGNORED = {"sc", "simulation", "compSpecs"}


@dataclass
class Stats:
    """What the clients asked since the last look."""

    requests: int = 0
    searches: int = 0
    errors: int = 0
    bytes_sent: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    cpu: float = field(default_factory=time.process_time)


class Store:
    """Answers by path and query."""

    def __init__(self, world: World) -> None:
        self.world = world
        with world.file.open("rb") as file:
            self._pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self._tree = gzip.compress(json.dumps(world.catalogue.tree).encode())
        self.answer = lru_cache(maxsize=4096)(self._answer)

    def _answer(self, target: str, *, packed: bool) -> bytes:
        """The whole response to a request, head and body."""
        url = urlsplit(target)
        if url.path == _SEARCH:
            return self._search(parse_qs(url.query), packed=packed)
        if url.path.startswith(_TREE):
            return _response(200, self._tree, packed=packed)
        if url.path == "/robots.txt":
            return _response(200, gzip.compress(b"User-agent: *\nDisallow: /checkout\n"), packed=packed, kind=_TEXT)
        if url.path == "/api/segments":
            return _response(200, gzip.compress(b'{"channel":"1","countryCode":"BRA","regionId":null}'), packed=packed)
        return _response(404, gzip.compress(b"Not found"), packed=packed, kind=_TEXT)

    def _search(self, query: dict[str, list[str]], *, packed: bool) -> bytes:
        def refused(status: int, message: str) -> bytes:
            return _response(status, gzip.compress(json.dumps(message).encode()), packed=packed)

        first, last = int(query.pop("_from", ["0"])[0]), int(query.pop("_to", ["9"])[0])
        filters = query.pop("fq", [])
        if last - first > PAGE - 1:
            return refused(400, "Parameter _to can't be greater than 50.")
        if first > _LAST_FROM:
            return refused(400, "Parameter _from can't be greater than 2500.")
        if len(filters) > 1 or any(not f.startswith("C:/") for f in filters) or query.keys() - _IGNORED:
            return refused(501, f"this benchmark's store knows one category filter only, not {filters} {query}")
        path = filters[0].removeprefix("C:").strip("/") if filters else ""
        _, total = self.world.catalogue.by_path.get(path, (0, 0))
        last = min(last, total - 1)
        whole = first == 0 and last == total - 1
        head = f"resources: {first}-{last}/{total}\r\n" if total else "resources: 0-0/0\r\n"
        return _response(200 if whole else 206, self._body(path, first, last, total), packed=packed, head=head)

    def _body(self, path: str, first: int, last: int, total: int) -> bytes:
        page = self.world.pages.get((path, first))
        if page is not None and last == min(first + PAGE, total) - 1:
            return self._pages[page.offset : page.offset + page.length]
        return gzip.compress(self.world.catalogue.page(path, first, last + 1) if total else b"[]", 6)


def _response(status: int, body: bytes, *, packed: bool, kind: str = _JSON, head: str = "") -> bytes:
    encoding = "Content-Encoding: gzip\r\n" if packed else ""
    body = body if packed else gzip.decompress(body)
    lines = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"{encoding}{head}Connection: keep-alive\r\n\r\n"
    )
    return lines.encode() + body


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests have no bodies and are not pipelined."""

    def __init__(self, store: Store, stats: Stats, latency: float) -> None:
        self._store = store
        self._stats = stats
        self._latency = latency
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._request(head)

    def _request(self, head: bytes) -> None:
        target = head.split(b" ", 2)[1].decode()
        stats = self._stats
        if target == "/__stats":
            self._send(_stats_response(stats))
            return
        answer = self._store.answer(target, packed=b"gzip" in head.lower())
        stats.requests += 1
        stats.searches += target.startswith(_SEARCH)
        stats.errors += answer[9:10] != b"2"
        stats.bytes_sent += len(answer)
        if not self._latency:
            self._send(answer)
            return
        stats.in_flight += 1
        stats.most_in_flight = max(stats.most_in_flight, stats.in_flight)
        asyncio.get_running_loop().call_later(self._latency, self._late, answer)

    def _late(self, answer: bytes) -> None:
        self._stats.in_flight -= 1
        self._send(answer)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None:
            self._transport.write(answer)


def _stats_response(stats: Stats) -> bytes:
    """The figures since the last look; looking starts them anew."""
    document = {**asdict(stats), "cpu": time.process_time() - stats.cpu}
    stats.__init__()  # type: ignore[misc]
    return _response(200, gzip.compress(json.dumps(document).encode()), packed=False)


async def serve(world: World, *, port: int, latency: float) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    store, stats, stop = Store(world), Stats(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: Connection(store, stats, latency), "127.0.0.1", port)
    address = server.sockets[0].getsockname()
    print(json.dumps({"url": f"http://{address[0]}:{address[1]}", "truth": asdict(world.truth)}), flush=True)
    await stop.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=30_000)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--core", type=int, help="the one core to run on")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "results", help="where worlds are kept")
    options = parser.parse_args()
    world = prepare(options.products, options.folder)
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    asyncio.run(serve(world, port=options.port, latency=options.latency))


if __name__ == "__main__":
    main()
