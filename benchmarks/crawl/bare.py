"""The floor: aiohttp reads every page and drops it. Nothing is parsed but the category tree."""

from __future__ import annotations

import asyncio
import json
from collections import deque

import aiohttp
from isal import isal_zlib

from benchmarks.crawl.common import TREE, USER_AGENT, arguments, leaf_paths, page_path, rest_of


async def crawl(url: str, concurrency: int) -> dict[str, int]:
    """Read all leaf pages; say how many there were, and of how many bytes."""
    aiohttp.set_zlib_backend(isal_zlib)
    pages = received = 0
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(url, connector=connector, headers={"User-Agent": USER_AGENT}) as session:
        async with session.get(TREE) as response:
            tree = await response.json()
        # First pages first, as they say how many follow: no worker runs out of work before the end.
        work = deque((leaf, page_path(leaf, 0), True) for leaf in leaf_paths(tree))

        async def worker() -> None:
            nonlocal pages, received
            while work:
                leaf, path, first = work.popleft()
                async with session.get(path) as response:
                    response.raise_for_status()
                    received += len(await response.read())
                    pages += 1
                    if first:
                        work.extend((leaf, rest, False) for rest in rest_of(leaf, response.headers["resources"]))

        await asyncio.gather(*(worker() for _ in range(concurrency)))
    return {"pages": pages, "page_bytes": received}


if __name__ == "__main__":
    options = arguments(__doc__)
    print(json.dumps(asyncio.run(crawl(options.url, options.concurrency))))
