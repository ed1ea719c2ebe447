"""Retries, politeness and robots.txt against a server that misbehaves on order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gondola.errors import (
    HostCoolingError,
    RobotsDisallowedError,
    SourceResponseError,
    SourceUnavailableError,
)
from gondola.sources.http.fetcher import Ask, RetryPolicy
from gondola.sources.http.governor import Governor
from gondola.sources.vtex import Fetcher, RequestOutcome
from tests.replay import Fault, Hit, Replay, Rule, product
from tests.sources.vtex.harness import FakeTime, fetching, store_at

PATH = "/api/catalog_system/pub/products/search?_from=0&_to=49"


def read_json(body: bytes, _headers: Mapping[str, str]) -> int:
    if not body.startswith(b"["):
        message = "no list"
        raise ValueError(message)
    return len(body)


def faults(*kinds: Fault) -> Rule:
    """These faults for the first requests of a search, then none."""
    return lambda hit: kinds[hit.times] if hit.is_search and hit.times < len(kinds) else None


async def ask(replay: Replay, policy: RetryPolicy | None = None) -> tuple[FakeTime, list[RequestOutcome], int]:
    time, outcomes = FakeTime(), []
    async with fetching(time) as fetcher:
        site = await fetcher.site(store_at(replay))
        value = await fetcher.get(
            site, Ask(PATH, read_json, label="*", policy=policy or RetryPolicy()), on_request=outcomes.append
        )
    return time, outcomes, value


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault("status", 500), "retried"),
        (Fault("status", 502), "retried"),
        (Fault("status", 503), "throttled"),
        (Fault("status", 429), "throttled"),
        (Fault("cut"), "retried"),
        (Fault("garbage"), "retried"),
    ],
)
async def test_what_may_pass_is_asked_again(fault: Fault, outcome: str) -> None:
    with Replay([product(1, 1)], None, rules=[faults(fault, fault)]) as replay:
        _, outcomes, value = await ask(replay)
    assert value > 2
    assert [(one.attempt, one.outcome) for one in outcomes] == [(1, outcome), (2, outcome), (3, "ok")]
    assert outcomes[0].error
    assert outcomes[2].waited_seconds > 0
    assert outcomes[2].url == PATH


@pytest.mark.parametrize("status", [301, 400, 403, 404])
async def test_what_repeats_is_asked_once(status: int) -> None:
    with Replay([product(1, 1)], None, rules=[faults(*[Fault("status", status)] * 9)]) as replay:
        with pytest.raises(SourceResponseError, match=f"HTTP {status}"):
            await ask(replay)
        assert len(replay.searches()) == 1


async def test_patience_ends() -> None:
    with Replay([product(1, 1)], None, rules=[faults(*[Fault("status", 500)] * 9)]) as replay:
        with pytest.raises(SourceUnavailableError, match="HTTP 500"):
            await ask(replay, RetryPolicy(attempts=4))
        assert len(replay.searches()) == 4


async def test_back_off_doubles() -> None:
    with Replay([product(1, 1)], None, rules=[faults(*[Fault("status", 500)] * 3)]) as replay:
        time, _, _ = await ask(replay)
    assert time.sleeps == [0.75, 1.5, 3.0]


@pytest.mark.parametrize("spelling", ["seconds", "date"])
async def test_retry_after_is_honoured(spelling: str) -> None:
    value = "40" if spelling == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    with Replay([product(1, 1)], None, rules=[faults(Fault("status", 429, {"Retry-After": value}))]) as replay:
        time, _, _ = await ask(replay)
    assert 38 <= sum(time.sleeps) <= 44


@pytest.mark.parametrize(("status", "stops"), [(429, True), (503, False)])
async def test_a_bare_503_slows_a_host_and_a_429_stops_it(status: int, stops: bool) -> None:
    seen: list[tuple[bool, int]] = []
    with Replay([product(1, 1)], None, rules=[faults(Fault("status", status))]) as replay:
        async with fetching() as fetcher:
            site = await fetcher.site(store_at(replay, concurrency=8))
            governor = site.governor
            await fetcher.get(
                site, Ask(PATH, read_json), on_request=lambda _: seen.append((governor.resting, governor.limit))
            )
    assert seen == [(stops, 4), (False, 4)]


async def test_a_rest_beyond_our_patience_ends_it() -> None:
    with Replay([product(1, 1)], None, rules=[faults(Fault("status", 429, {"Retry-After": "3600"}))]) as replay:
        with pytest.raises(HostCoolingError, match="left alone"):
            await ask(replay)
        assert len(replay.searches()) == 1


async def test_a_host_that_does_not_answer_is_unavailable() -> None:
    with Replay([], None) as replay:
        gone = store_at(replay)
    async with fetching(obey_robots=False) as fetcher:
        site = await fetcher.site(gone)
        with pytest.raises(SourceUnavailableError, match="Connect"):
            await fetcher.get(site, Ask(PATH, read_json, policy=RetryPolicy(attempts=2)))


async def test_a_slow_answer_times_out_and_is_asked_again() -> None:
    with Replay([product(1, 1)], None, latency=0.5) as replay:
        async with fetching(obey_robots=False, timeout=timedelta(seconds=0.1)) as fetcher:
            site = await fetcher.site(store_at(replay))
            with pytest.raises(SourceUnavailableError, match="Timeout"):
                await fetcher.get(site, Ask(PATH, read_json, policy=RetryPolicy(attempts=2)))
        assert len(replay.searches()) == 2


async def test_requests_introduce_themselves_and_want_compression() -> None:
    with Replay([product(1, 1)], None) as replay:
        await ask(replay)
        sent = replay.searches()[0].headers
    assert sent["user-agent"] == "Gondola/0.1 (tests)"
    assert sent["accept-encoding"] == "gzip"
    assert "cookie" not in sent


async def test_robots_are_read_once_a_host() -> None:
    with Replay([product(1, 1)], None, robots="User-agent: *\nDisallow: /busca\nCrawl-delay: 2\n") as replay:
        async with fetching() as fetcher:
            sites = await asyncio.gather(*(fetcher.site(store_at(replay)) for _ in range(5)))
            assert len({id(site) for site in sites}) == 1
            assert sites[0].governor.rate == 0.5
            with pytest.raises(RobotsDisallowedError, match="/busca"):
                await fetcher.get(sites[0], Ask("/busca?q=1", read_json))
            await fetcher.get(sites[0], Ask(PATH, read_json))
        assert [hit.path for hit in replay.hits].count("/robots.txt") == 1


async def test_rules_for_our_name_win_over_those_for_all() -> None:
    robots = "User-agent: *\nDisallow: /\n\nUser-agent: gondola\nDisallow: /busca\n"
    with Replay([product(1, 1)], None, robots=robots) as replay:
        _, _, value = await ask(replay)
    assert value > 2


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (500, False), (503, False), (429, False)])
async def test_robots_that_can_not_be_read(status: int, allowed: bool) -> None:
    def rule(hit: Hit) -> Fault | None:
        return Fault("status", status) if hit.path == "/robots.txt" else None

    with Replay([product(1, 1)], None, rules=[rule]) as replay:
        if allowed:
            await ask(replay)
        else:
            with pytest.raises(SourceUnavailableError, match=r"robots\.txt"):
                await ask(replay)
            assert replay.searches() == []


async def test_robots_may_be_set_aside_by_the_operator() -> None:
    with Replay([product(1, 1)], None, robots="User-agent: *\nDisallow: /\n") as replay:
        async with fetching(obey_robots=False) as fetcher:
            await fetcher.get(await fetcher.site(store_at(replay)), Ask(PATH, read_json))
        assert all(hit.path != "/robots.txt" for hit in replay.hits)


async def test_an_open_fetcher_is_not_opened_again() -> None:
    async with fetching() as fetcher:
        with pytest.raises(RuntimeError, match="open already"):
            await fetcher.__aenter__()
    closed = Fetcher(user_agent="x", timeout=timedelta(seconds=1), max_connections=1, obey_robots=False)
    with Replay([], None) as replay, pytest.raises(RuntimeError, match="async with"):
        await closed.get(await closed.site(store_at(replay)), Ask(PATH, read_json))


def governor(time: FakeTime, concurrency: int = 8, rate: float = 10.0) -> Governor:
    return Governor("shop", concurrency=concurrency, rate=rate, clock=time.clock, sleep=time.sleep)


async def test_throttling_halves_both_limits_once_a_round() -> None:
    time = FakeTime()
    limits = governor(time)
    time.now = 1.0
    limits.throttled(sent_at=0.5, rest=0)
    limits.throttled(sent_at=0.6, rest=0)  # of the same round
    assert (limits.limit, limits.rate) == (4, 5.0)
    time.now = 2.0
    limits.throttled(sent_at=1.5, rest=0)
    assert (limits.limit, limits.rate) == (2, 2.5)


async def test_only_good_answers_raise_the_limits_and_never_above_the_stores() -> None:
    limits = governor(FakeTime())
    limits.throttled(sent_at=0, rest=0)
    before = limits.rate
    limits.succeeded()
    assert before < limits.rate < 2 * before
    for _ in range(500):
        limits.succeeded()
    assert (limits.limit, limits.rate) == (8, 10.0)


async def test_the_limits_never_reach_zero() -> None:
    time = FakeTime()
    limits = governor(time)
    for second in range(1, 50):
        time.now = float(second)
        limits.throttled(sent_at=second - 0.5, rest=0)
    assert limits.limit == 1
    assert limits.rate > 0


async def test_requests_are_spread_over_time() -> None:
    time = FakeTime()
    limits = governor(time, concurrency=1, rate=2.0)
    for _ in range(5):
        await limits.enter(60)
        limits.leave()
    assert time.now == pytest.approx(2.0, abs=0.2)


async def test_a_cancelled_wait_gives_its_place_back() -> None:
    limits = governor(FakeTime(), concurrency=1, rate=1000)
    await limits.enter(60)
    waiting = [asyncio.create_task(limits.enter(60)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    limits.leave()
    waiting[1].cancel()
    await asyncio.wait_for(waiting[2], 1)
    limits.leave()
    await asyncio.wait_for(limits.enter(60), 1)


async def test_a_cooling_host_holds_no_connection_of_others() -> None:
    """One host rests; the only connection there is serves the other meanwhile."""
    resting = [faults(Fault("status", 429, {"Retry-After": "30"}))]
    with Replay([product(1, 1)], None, rules=resting) as cooling, Replay([product(1, 1)], None) as well:
        async with Fetcher(
            user_agent="Gondola/0.1", timeout=timedelta(seconds=5), max_connections=1, obey_robots=False
        ) as fetcher:
            sites = [await fetcher.site(store_at(replay)) for replay in (cooling, well)]
            blocked = asyncio.create_task(fetcher.get(sites[0], Ask(PATH, read_json)))
            await asyncio.sleep(0.2)
            assert cooling.hits
            assert await asyncio.wait_for(fetcher.get(sites[1], Ask(PATH, read_json)), 3)
            assert not blocked.done()
            blocked.cancel()
