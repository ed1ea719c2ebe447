from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from gondola.sandbox import DEFAULT_SHOPS, Sandbox, World


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(products=400) as running:
        yield running


@pytest.fixture(scope="session")
def crowded() -> Iterator[Sandbox]:
    """One store whose leaf `Temperos` does not fit the window of 2,550."""
    with Sandbox(world=World(products=300, crowded_leaf=3000, shops=DEFAULT_SHOPS[:1])) as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
