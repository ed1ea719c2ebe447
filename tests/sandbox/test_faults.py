from __future__ import annotations

import asyncio
from collections import Counter

import aiohttp
import pytest

from gondola.sandbox import DEFAULT_SHOPS, Faults, Sandbox, World
from tests.sandbox.walks import IS, SEARCH, legacy_walk

_TREE = "/api/catalog_system/pub/category/tree/3"


def _sandbox(faults: Faults, *, day: int = 0, shops: int = 1) -> Sandbox:
    return Sandbox(world=World(products=300, shops=DEFAULT_SHOPS[:shops]), faults=faults, day=day)


async def _outcome(client: aiohttp.ClientSession, url: str) -> str:
    try:
        async with client.get(url) as answer:
            body = await answer.read()
            if answer.status >= 400:
                return f"{answer.status}{' wait' if 'Retry-After' in answer.headers else ''}"
            return f"{answer.status} {len(body)}"
    except aiohttp.ClientPayloadError:
        return "cut"


async def test_faults_come_again_whatever_the_order(client: aiohttp.ClientSession) -> None:
    paths = [f"{SEARCH}?_from={start}&_to={start + 9}&n={n}" for start in range(0, 250, 10) for n in range(6)]
    plan = Faults(rate=0.4, slow_seconds=0.0)
    outcomes: list[dict[str, str]] = []
    for order in (paths, paths[::-1]):
        with _sandbox(plan) as sandbox:
            base = sandbox.base_url("aurora")
            outcomes.append({path: await _outcome(client, base + path) for path in order})
            met = sandbox.stats("aurora").faults
            assert met.keys() == {"429", "429_retry_after", "503", "short", "cut", "slow"}
            assert 0.25 < met.total() / len(paths) < 0.55
    assert outcomes[0] == outcomes[1]
    kinds = Counter(outcome if outcome[0] in "45c" else "ok" for outcome in outcomes[0].values())
    assert {"429", "429 wait", "503", "cut", "ok"} <= kinds.keys()


async def test_a_retry_has_its_own_luck(client: aiohttp.ClientSession) -> None:
    with _sandbox(Faults(rate=0.5, slow_seconds=0.0)) as sandbox:
        url = f"{sandbox.base_url('aurora')}{SEARCH}?_from=0&_to=9"
        outcomes = {await _outcome(client, url) for _ in range(30)}
    assert len(outcomes) > 2


async def test_a_short_page_still_declares_the_total(client: aiohttp.ClientSession) -> None:
    with _sandbox(Faults(rate=1.0, seed=4, slow_seconds=0.0)) as sandbox:
        url = f"{sandbox.base_url('aurora')}{SEARCH}?_from=0&_to=49"
        sizes = []
        for n in range(40):
            try:
                async with client.get(f"{url}&n={n}") as answer:
                    if answer.status == 206:
                        assert answer.headers["resources"].startswith("0-49/30")
                        sizes.append(len(await answer.json()))
            except aiohttp.ClientPayloadError:
                continue
    assert 40 in sizes
    assert 50 in sizes


@pytest.mark.parametrize("by", ["ids", "names"])
async def test_a_dead_category_stays_dead(client: aiohttp.ClientSession, by: str) -> None:
    node = World(products=300, shops=DEFAULT_SHOPS[:1]).store("aurora").tree.roots[1]
    with _sandbox(Faults(dead_categories={"aurora": node.ids if by == "ids" else node.names})) as sandbox:
        base = sandbox.base_url("aurora")
        for ids in (node.ids, node.children[0].ids):
            assert await _outcome(client, f"{base}{SEARCH}?fq=C:{ids}&_from=0&_to=0") == "503"
        other = sandbox.world.store("aurora").tree.roots[0].ids
        assert (await _outcome(client, f"{base}{SEARCH}?fq=C:{other}&_from=0&_to=0")).startswith("206")


def test_a_dead_category_must_exist() -> None:
    with pytest.raises(ValueError, match="no category"):
        _sandbox(Faults(dead_categories={"aurora": "/Foguetes/"}))


async def test_planted_outages_are_served(client: aiohttp.ClientSession) -> None:
    with _sandbox(Faults(), shops=4) as sandbox:
        outages = [fact for fact in sandbox.planted(1, 13) if "outage" in fact["kind"]]
        assert len(outages) == 8
        for fact in outages:
            store = fact["store"]
            sandbox.set_day(fact["day"])
            assert sandbox.date.isoformat() == fact["date"]
            base = sandbox.base_url(store)
            everything = await _outcome(client, f"{base}{_TREE}")
            if fact["kind"] == "outage":
                assert everything == "503"
                continue
            assert everything.startswith("200")
            if store == "serra":
                slug = next(n for n in sandbox.world.store(store).tree.roots if n.ids == fact["category_ids"]).slugs[0]
                assert await _outcome(client, f"{base}{IS}/category-1/{slug}?count=1") == "503"
            assert await _outcome(client, f"{base}{SEARCH}?fq=C:{fact['category_ids']}") == "503"
        sandbox.set_day(0)
        assert (await _outcome(client, f"{sandbox.base_url('aurora')}{_TREE}")).startswith("200")


async def test_scripted_outage_and_refused_tree(client: aiohttp.ClientSession) -> None:
    plan = Faults(outages=["mirante"], refused_trees=["aurora"], disallow={"aurora": ["/api"]})
    with _sandbox(plan, shops=2) as sandbox:
        assert await _outcome(client, f"{sandbox.base_url('mirante')}/robots.txt") == "503"
        base = sandbox.base_url("aurora")
        assert await _outcome(client, base + _TREE) == "429"
        assert (await _outcome(client, f"{base}{SEARCH}?_from=0&_to=0")).startswith("206")
        async with client.get(f"{base}/robots.txt") as answer:
            assert "Disallow: /api\n" in await answer.text()


async def test_a_product_drifts_in_between_two_pages(client: aiohttp.ClientSession) -> None:
    with _sandbox(Faults(drifts=["aurora"])) as sandbox:
        base = sandbox.base_url("aurora")
        rows = {row.product_id for row in sandbox.world.shelf("aurora", "default", 0)}
        first = [product["productId"] for product in await legacy_walk(client, base, "O=")]
        assert len(first) == len(rows)
        assert len(set(first)) == len(rows) - 1
        again = [product["productId"] for product in await legacy_walk(client, base, "O=")]
        assert set(again) == rows


async def test_above_its_rate_a_store_says_429(client: aiohttp.ClientSession) -> None:
    with _sandbox(Faults(requests_per_second=20)) as sandbox:
        url = f"{sandbox.base_url('aurora')}{SEARCH}?_from=0&_to=0"
        outcomes = Counter(await asyncio.gather(*(_outcome(client, url) for _ in range(60))))
        assert outcomes["429 wait"] >= 20
        assert sandbox.stats("aurora").by_status[206] >= 20


async def test_counters_show_how_polite_a_visitor_was(client: aiohttp.ClientSession) -> None:
    with _sandbox(Faults(latency=0.03)) as sandbox:
        base = sandbox.base_url("aurora")
        await asyncio.gather(*(_outcome(client, f"{base}{SEARCH}?_from={n}&_to={n}") for n in range(7)))
        await _outcome(client, base + _TREE)
        stats = sandbox.stats("aurora")
        assert stats.max_concurrency == 7
        assert (stats.requests, stats.by_route["search"], stats.answers["tree", 200]) == (8, 7, 1)
        assert stats.in_flight == 0
        assert stats.bytes_sent > 10_000
        assert sum(stats.user_agents.values()) == 8
        sandbox.reset_stats()
        assert sandbox.stats("aurora").requests == 0


def test_a_rate_is_a_share() -> None:
    with pytest.raises(ValueError, match="share"):
        Faults(rate=5)
