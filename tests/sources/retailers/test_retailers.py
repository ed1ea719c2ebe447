"""Each retailer's API over HTTP, well and unwell: every line arrives once and exactly, and no secret is ever said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from gondola import clock
from gondola.errors import ConfigurationError, DataContractError, UnknownNameError
from gondola.sandbox.retailers import RetailerFaults, RetailerSandbox, RetailWorld
from gondola.sandbox.retailers.apis import SECRETS
from gondola.sandbox.retailers.formats import BAD_ROWS
from gondola.sandbox.retailers.truth import facts
from gondola.sources.http import Fetcher, RequestOutcome
from gondola.sources.retailers import (
    DayFetch,
    Page,
    RetailerConfig,
    SalesRecord,
    fetch_day,
    from_document,
    load_retailers,
    make_retailer,
    read_pages,
    select_retailers,
    to_document,
)
from gondola.sources.retailers.gtin import judge_gtin

DAY = date(2026, 2, 5)
WORLD = RetailWorld(sales=60)
RETAILERS = ("alfa", "boreal", "costa")
Fact = dict[tuple[str, str, str], tuple[date, Decimal, Decimal]]


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def config_of(sandbox: RetailerSandbox, retailer: str) -> RetailerConfig:
    entries = sandbox.retailers_document()["retailers"]
    return RetailerConfig(**next(entry for entry in entries if entry["id"] == retailer))


def fetched(
    sandbox: RetailerSandbox, retailer: str, day: date = DAY, *, attempts: int = 8
) -> tuple[DayFetch, list[RequestOutcome]]:
    outcomes: list[RequestOutcome] = []

    async def ask() -> DayFetch:
        async def no_wait(_seconds: float) -> None:
            await asyncio.sleep(0)

        async with Fetcher(
            user_agent="test", timeout=timedelta(seconds=10), max_connections=4, obey_robots=False, sleep=no_wait
        ) as fetcher:
            made = make_retailer(config_of(sandbox, retailer))
            return await fetch_day(fetcher, made, day, attempts=attempts, on_request=outcomes.append)

    return asyncio.run(ask()), outcomes


def as_facts(records: Sequence[SalesRecord]) -> Fact:
    rows: Fact = {}
    for record in records:
        key = (record.retailer, record.transaction_id, record.product_id)
        _, quantity, total = rows.get(key, (DAY, Decimal(0), Decimal(0)))
        rows[key] = (record.business_date, quantity + record.quantity, total + record.total_amount)
    return rows


def true_facts(retailer: str, *days: date) -> Fact:
    return {key: value for key, value in facts(WORLD, days).items() if key[0] == retailer}


@pytest.mark.parametrize("retailer", RETAILERS)
@pytest.mark.parametrize(
    "faults",
    [
        RetailerFaults(),
        RetailerFaults(rate=0.4, retry_after=0, seed=3),
        RetailerFaults(repeated_pages=RETAILERS),
        RetailerFaults(token_uses=1),
    ],
    ids=["well", "429 500 cut short", "a page twice", "tokens expire mid-way"],
)
def test_every_line_arrives_once(retailer: str, faults: RetailerFaults) -> None:
    with RetailerSandbox(WORLD, faults=faults, page_size=20) as sandbox:
        fetch, outcomes = fetched(sandbox, retailer)
        seen = sandbox.seen(retailer)
    assert (fetch.status, fetch.error) == ("complete", None)
    made = make_retailer(config_of(sandbox, retailer))
    records, rejected = read_pages(made, fetch.pages, clock.now())
    assert as_facts(records) == true_facts(retailer, DAY)
    assert len({(one.transaction_id, one.line_number) for one in records}) == len(records)
    assert len(rejected) == len(BAD_ROWS)
    assert len(fetch.pages) > 3
    if faults.rate:
        assert {"fault 429", "fault 500", "fault cut", "fault short"} & set(seen)
        assert any(outcome.attempt > 1 for outcome in outcomes)
    if faults.token_uses and retailer == "boreal":
        assert seen["expired"] >= 2
        assert seen["tokens"] == len(fetch.pages)


def test_all_kinds_of_faults_were_met() -> None:
    """What the test above passed through, over all three."""
    met: set[str] = set()
    for retailer in RETAILERS:
        with RetailerSandbox(WORLD, faults=RetailerFaults(rate=0.4, retry_after=0, seed=3), page_size=20) as sandbox:
            fetched(sandbox, retailer)
            met |= {name for name in sandbox.seen(retailer) if name.startswith("fault")}
    assert met == {"fault 429", "fault 500", "fault cut", "fault short"}


def test_business_days_are_the_retailers_own() -> None:
    """The sandbox sells in the first and the last second of each day, in three zones."""
    with RetailerSandbox(WORLD) as sandbox:
        for retailer in RETAILERS:
            made = make_retailer(config_of(sandbox, retailer))
            records, _ = read_pages(made, fetched(sandbox, retailer)[0].pages, clock.now())
            days = {one.business_date for one in records}
            assert days == {DAY, DAY - timedelta(days=1)}, retailer
            first = min(one.sold_at for one in records if one.business_date == DAY)
            assert first == made.span(DAY)[0]
            assert first.utcoffset() == timedelta(0)


def test_a_break_in_the_middle_keeps_what_came_and_an_outage_nothing() -> None:
    faults = RetailerFaults(broken_after={"alfa": 2}, outages=("costa",))
    with RetailerSandbox(WORLD, faults=faults, page_size=20) as sandbox:
        broken, _ = fetched(sandbox, "alfa", attempts=2)
        assert (broken.status, len(broken.pages), broken.may_pass) == ("partial", 2, True)
        assert "HTTP 500" in str(broken.error)
        gone, _ = fetched(sandbox, "costa", attempts=2)
        assert (gone.status, gone.pages, gone.may_pass) == ("failed", [], True)
        assert fetched(sandbox, "boreal")[0].status == "complete"


@pytest.mark.parametrize(
    ("retailer", "variable"),
    [("alfa", "SANDBOX_ALFA_KEY"), ("boreal", "SANDBOX_BOREAL_SECRET"), ("costa", "SANDBOX_COSTA_SECRET")],
)
def test_a_wrong_secret_is_refused_once_and_not_repeated(
    retailer: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "a-secret-that-is-wrong")
    with RetailerSandbox(WORLD) as sandbox:
        fetch, outcomes = fetched(sandbox, retailer)
    assert (fetch.status, fetch.may_pass) == ("failed", False)
    assert "HTTP 401" in str(fetch.error)
    assert len(outcomes) == 1
    assert "a-secret-that-is-wrong" not in str(fetch.error)


def test_an_old_signature_is_refused() -> None:
    with RetailerSandbox(WORLD) as sandbox:
        with clock.put_forward(timedelta(hours=-1)):
            late, _ = fetched(sandbox, "costa", attempts=1)
        assert late.status == "failed"
        assert "too old" in str(late.error)


def test_a_day_that_is_not_over_is_partial() -> None:
    with RetailerSandbox(RetailWorld(sales=5)) as sandbox:
        fetch, _ = fetched(sandbox, "alfa", clock.today())
    assert (fetch.status, fetch.may_pass) == ("partial", False)
    assert "not over" in str(fetch.error)


def test_what_was_said_can_be_read_again_byte_for_byte() -> None:
    with RetailerSandbox(WORLD, page_size=20) as sandbox:
        for retailer in RETAILERS:
            fetch, _ = fetched(sandbox, retailer)
            document = to_document(fetch, run_id="a-20260205T000000Z")
            assert b"\n" not in document
            again = from_document(document)
            assert again == replace(fetch, may_pass=False)
            made = make_retailer(config_of(sandbox, retailer))
            assert read_pages(made, again.pages, clock.now()) == read_pages(made, fetch.pages, clock.now())
    odd = DayFetch("alfa", DAY, clock.now(), pages=[Page("/x", clock.now(), {}, b"\xff\x00 not text")])
    assert from_document(to_document(odd, run_id="x")).pages == odd.pages
    broken = to_document(odd, run_id="x").replace(b"/wAg", b"/wAh")
    with pytest.raises(DataContractError, match="has changed"):
        from_document(broken)


@pytest.mark.parametrize(
    ("barcode", "expected"),
    [
        ("7891000100103", ("07891000100103", "valid")),
        ("07891000100103", ("07891000100103", "valid")),
        (" 789.1000-100103", ("07891000100103", "valid")),
        ("36000291452", ("00036000291452", "valid")),  # a UPC whose zero was lost
        ("96385074", ("00000096385074", "valid")),
        ("7891000100104", (None, "bad_check_digit")),
        ("2012345000000", (None, "restricted")),
        ("20123451", (None, "restricted")),
        ("0212345678905", (None, "restricted")),
        ("4011", (None, "plu")),
        ("000", (None, "missing")),
        (None, (None, "missing")),
        ("ABC123", (None, "not_numeric")),
        ("٧٨٩١٠٠٠١٠٠١٠٣", (None, "not_numeric")),
        ("123456789012345", (None, "too_long")),
    ],
)
def test_barcodes(barcode: str | None, expected: tuple[str | None, str]) -> None:
    assert judge_gtin(barcode) == expected


def test_a_retailers_file_says_what_is_wrong_and_shows_no_secret(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "retailers.yaml"
    good = "retailers:\n  - {id: a, name: A, api: alfa, base_url: 'https://a.example', secrets: {api_key: A_KEY}}\n"
    path.write_text(good)
    [one] = load_retailers(path)
    with pytest.raises(ConfigurationError, match="A_KEY is not set"):
        make_retailer(one)
    with pytest.raises(UnknownNameError, match="unknown retailer 'b'"):
        select_retailers([one], ["b"])
    with pytest.raises(ConfigurationError, match="no retailer is enabled"):
        select_retailers([one.model_copy(update={"enabled": False})])
    with pytest.raises(ConfigurationError, match="must name variables for client_id, client_secret"):
        make_retailer(one.model_copy(update={"api": "boreal"}))
    for wrong, said in (
        (good.replace("A_KEY", "s3cr3t-value"), "secrets.api_key"),
        (good.replace("A_KEY", "GONDOLA_KEY"), "can't begin with GONDOLA_"),
        (good.replace("https://a", "http://a"), "plain http"),
        (good.replace("api: alfa", "api: alfa, time_zone: Mars/Base"), "time zone"),
    ):
        path.write_text(wrong)
        with pytest.raises(ConfigurationError, match=said) as raised:
            load_retailers(path)
        assert "s3cr3t" not in str(raised.value)


def test_the_shipped_file_is_right() -> None:
    from gondola.settings import PROJECT_ROOT

    shipped = load_retailers(PROJECT_ROOT / "retailers.yaml")
    assert [one.api for one in shipped] == list(RETAILERS)
    assert not any(one.enabled for one in shipped)
