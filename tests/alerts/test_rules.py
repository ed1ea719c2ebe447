"""Each rule as a pure function of facts, at the edges of its threshold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gondola.alerts.facts import Facts, FlowRun, PrefectFacts, StorageUse, StoreRegion
from gondola.alerts.policy import Rules
from gondola.alerts.rules import Verdict, judge
from storage.records import RunRecord
from tests.alerts.makers import DAY, HOUR, MINUTE, NOW, market_run, other_run, transform

PLACE = StoreRegion("bistek", "lages")


def ask(rule: str, facts: Facts, **policy: Any) -> Verdict:
    return judge(facts, Rules.model_validate({rule: policy}))[rule]


def shelf(*runs: RunRecord, **more: Any) -> Facts:
    return Facts(now=NOW, runs=runs, regions=(PLACE,), **more)


def texts(verdict: Verdict) -> list[str]:
    return [finding.what for finding in verdict.findings]


def flow_run(state: str, ended_at: datetime, *, deployment: str = "market/daily", run_id: str = "r") -> FlowRun:
    return FlowRun(
        run_id=run_id, deployment=deployment, state=state, due_at=ended_at - HOUR, ended_at=ended_at, message="why"
    )


# --- no complete run of a store-region in 24 h ---


@pytest.mark.parametrize(
    ("age", "wrong"), [(0 * HOUR, False), (24 * HOUR, False), (26 * HOUR, False), (26 * HOUR + MINUTE, True)]
)
def test_stale_after_a_day_and_its_grace(age: Any, wrong: bool) -> None:
    verdict = ask("stale_store", shelf(market_run("bistek/lages", NOW - age)))
    assert bool(verdict.findings) is wrong
    assert ("bistek/lages" in verdict.well) is not wrong
    if wrong:
        assert verdict.findings[0].since == NOW - age + 26 * HOUR
        assert verdict.findings[0].severity == "critical"


def test_the_threshold_of_the_file_counts() -> None:
    facts = shelf(market_run("bistek/lages", NOW - 3 * HOUR))
    assert not ask("stale_store", facts, hours=3, grace_minutes=0).findings
    assert ask("stale_store", facts, hours=2.9, grace_minutes=0).findings


def test_a_partial_run_is_no_complete_one_and_its_reason_is_told() -> None:
    facts = shelf(
        market_run("bistek/lages", NOW - 2 * DAY),
        market_run("bistek/lages", NOW - HOUR, "partial", error="HTTP 503 of C:/1/"),
    )
    (text,) = texts(ask("stale_store", facts))
    assert text == "bistek/lages: last complete run 2026-02-18 12:00 UTC; last try partial: HTTP 503 of C:/1/"


@pytest.mark.parametrize(("known", "wrong"), [(26 * HOUR, False), (27 * HOUR, True), (400 * DAY, True)])
def test_a_region_that_never_ran_counts_from_when_it_was_first_known(known: Any, wrong: bool) -> None:
    verdict = ask("stale_store", shelf(known_since={PLACE.scope: NOW - known}))
    assert bool(verdict.findings) is wrong
    assert not ask("stale_store", shelf()).findings, "known since now"


def test_failed_tries_count_from_the_first_one() -> None:
    facts = shelf(
        market_run("bistek/lages", NOW - 2 * DAY, "failed", error="refused"), known_since={PLACE.scope: NOW - HOUR}
    )
    (text,) = texts(ask("stale_store", facts))
    assert text == "bistek/lages: no complete run on record since 2026-02-18 11:50 UTC; last try failed: refused"


def test_a_region_that_is_not_served_is_well() -> None:
    facts = shelf(known_since={PLACE.scope: NOW - 9 * DAY}, not_served=frozenset({PLACE.scope}))
    assert ask("stale_store", facts).well == {"bistek/lages"}


def test_a_region_crawled_under_another_is_well_until_it_is_crawled_by_itself() -> None:
    shared = market_run("bistek/centro", NOW - HOUR, attributes={"aliases": ["lages"]})
    known = {PLACE.scope: NOW - 9 * DAY}
    assert ask("stale_store", shelf(shared, known_since=known)).well == {"bistek/lages"}
    own = market_run("bistek/lages", NOW - MINUTE, "failed")
    assert ask("stale_store", shelf(shared, own, known_since=known)).findings


def test_only_the_stores_named_are_watched() -> None:
    facts = shelf(known_since={PLACE.scope: NOW - 9 * DAY})
    assert ask("stale_store", facts, stores=["bistek"]).findings
    verdict = ask("stale_store", facts, stores=["giassi"])
    assert (verdict.findings, verdict.watched) == ((), frozenset())


# --- success rate ---


@pytest.mark.parametrize(("complete", "bad", "wrong"), [(19, 1, False), (18, 2, True), (95, 5, False), (94, 6, True)])
def test_success_rate_at_95_percent(complete: int, bad: int, wrong: bool) -> None:
    runs = [market_run("bistek/lages", NOW - n * MINUTE) for n in range(complete)]
    runs += [market_run("bistek/lages", NOW - n * HOUR, "failed") for n in range(bad)]
    verdict = ask("success_rate", shelf(*runs))
    assert bool(verdict.findings) is wrong
    assert ("market" in verdict.well) is not wrong


def test_too_few_runs_have_no_rate_and_old_ones_do_not_count() -> None:
    nine = [market_run("bistek/lages", NOW - n * MINUTE, "failed") for n in range(9)]
    old = market_run("bistek/lages", NOW - 7 * DAY, "failed")  # it started before the seven days
    verdict = ask("success_rate", shelf(*nine, old))
    assert (verdict.findings, verdict.well) == ((), frozenset())
    (text,) = texts(ask("success_rate", shelf(*nine, old), min_runs=9))
    assert text == "market: 0.0% of 9 runs in 7 days were complete; most not: bistek/lages (9)"


def test_the_rate_of_some_stores_only() -> None:
    runs = [market_run("bistek/lages", NOW - n * MINUTE, "failed") for n in range(20)]
    runs += [market_run("giassi/icara", NOW - n * MINUTE) for n in range(20)]
    assert not ask("success_rate", shelf(*runs), stores=["giassi"]).findings
    assert ask("success_rate", shelf(*runs), stores=["bistek"]).findings
    assert not ask("success_rate", shelf(*runs), systems=["events"]).findings


# --- product count ---


def days_of(counts: list[int], *last: RunRecord) -> Facts:
    """Complete runs, one a day, the newest first."""
    return shelf(*[market_run("bistek/lages", NOW - n * DAY, products=count) for n, count in enumerate(counts)], *last)


@pytest.mark.parametrize(
    ("counts", "wrong"),
    [
        ([80] + [100] * 7, False),  # exactly 80 %
        ([79] + [100] * 7, True),
        ([79] + [100] * 7 + [1] * 3, True),  # only seven count
        ([84] + [105] * 7, False),
        ([12] + [15] * 3, False),
        ([200] + [100] * 7, False),
        ([0] + [100] * 3, True),
    ],
)
def test_product_count_at_80_percent_of_the_mean(counts: list[int], wrong: bool) -> None:
    assert bool(ask("product_count", days_of(counts)).findings) is wrong


def test_too_few_runs_have_no_mean() -> None:
    verdict = ask("product_count", days_of([1, 100, 100]))
    assert (verdict.findings, verdict.well) == ((), frozenset())
    assert ask("product_count", days_of([1, 100, 100]), min_runs=2).findings


def test_partial_runs_have_no_part_in_the_mean_nor_are_they_judged() -> None:
    partial = market_run("bistek/lages", NOW + HOUR, "partial", products=3)
    assert not ask("product_count", days_of([100] * 8, partial)).findings


def test_crawling_a_bad_day_again_does_not_make_it_normal() -> None:
    again = [market_run("bistek/lages", NOW + n * MINUTE, products=50) for n in range(7)]
    (text,) = texts(ask("product_count", days_of([50] + [100] * 7, *again)))
    assert text == "bistek/lages: 50 products on 2026-02-20, 50% of the mean of 7 runs before (100)"


# --- dbt and the gate ---


def test_a_failed_build_a_tripped_gate_a_failed_publish() -> None:
    def both(*runs: RunRecord) -> tuple[Verdict, Verdict]:
        facts = Facts(now=NOW, runs=runs)
        return ask("build_failed", facts), ask("gate_tripped", facts)

    build, gate = both()
    assert (build, gate) == (Verdict(), Verdict())

    build, gate = both(
        transform(NOW - 2 * HOUR, "failed", "build", "test.unique_x: 3 rows"),
        transform(NOW, "failed", "build", "test.unique_x: 5 rows", "b: 1", "c: 2", "d: 3"),
    )
    assert texts(build) == ["market: dbt or publish failed: test.unique_x: 5 rows; b: 1; c: 2; and 1 more"]
    assert build.findings[0].since == NOW - 2 * HOUR
    assert (gate.findings, gate.well) == ((), frozenset()), "a build that broke says nothing of the gate"

    build, gate = both(transform(NOW, "failed", "gate", "price_outliers: 70 of 100"), transform(NOW - HOUR))
    assert texts(gate) == ["market: the quality gate stopped the publish: price_outliers: 70 of 100"]
    assert (build.findings, build.well) == ((), {"market"})

    build, gate = both(transform(NOW, "failed", "publish"))
    assert texts(build) == ["market: dbt or publish failed: first reason"]
    assert gate.well == {"market"}

    build, gate = both(transform(NOW), transform(NOW - HOUR, "failed", "build"))
    assert build.well == gate.well == {"market"}


def test_what_the_daily_look_found() -> None:
    def look(ended_at: datetime, *failures: str, **warnings: str) -> RunRecord:
        told = [{"check": check, "text": text} for check, text in warnings.items()]
        status = "failed" if failures else "complete"
        return other_run(
            "quality", "systems=physical_product", ended_at, status, failures=list(failures), warnings=told
        )

    def ruled(*runs: RunRecord, **policy: Any) -> Verdict:
        return ask("checks_failed", Facts(now=NOW, runs=runs), **policy)

    assert ruled() == Verdict()
    found = ruled(look(NOW, "freshness orders: old"), look(NOW - HOUR, anomaly="far off"), look(NOW - 2 * HOUR))
    assert texts(found) == ["physical_product: freshness orders: old"]
    assert found.findings[0].since == NOW - HOUR, "wrong since the first look that found something"
    assert texts(ruled(look(NOW, anomaly="far off", freshness="a day old"))) == ["physical_product: far off"]
    assert ruled(look(NOW, anomaly="far off"), warnings=[]).well == {"physical_product"}
    assert ruled(look(NOW), look(NOW - HOUR, "an error")).well == {"physical_product"}


def test_a_reason_shows_no_secret_and_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S3CR3T-marker")
    facts = Facts(now=NOW, runs=(transform(NOW, "failed", "build", "x" * 230 + " S3CR3T-marker " + "y" * 99),))
    (text,) = texts(ask("build_failed", facts))
    assert "S3CR" not in text
    assert len(text) < 300


def test_a_record_of_another_shape_is_read_as_far_as_it_goes() -> None:
    odd = other_run("transform", "systems=market", NOW, "failed")
    object.__setattr__(odd, "attributes", "not JSON")
    assert texts(ask("build_failed", Facts(now=NOW, runs=(odd,)))) == ["market: dbt or publish failed: first reason"]


# --- storage ---


def use(share: float | None = None, size: int | None = None) -> Facts:
    return Facts(now=NOW, lake="s3://a/b", storage=StorageUse(NOW - HOUR, size, share, None))


@pytest.mark.parametrize(("share", "wrong"), [(0.8, False), (0.8001, True)])
def test_a_disk_over_80_percent(share: float, wrong: bool) -> None:
    assert bool(ask("storage", use(share=share)).findings) is wrong


def test_a_lake_over_its_budget() -> None:
    assert not ask("storage", use(size=10**12)).findings, "no budget"
    assert not ask("storage", use(size=2 * 10**9), budgets={"default": "2 GB"}).findings
    assert texts(ask("storage", use(size=2 * 10**9 + 10**7), budgets={"default": "1 GB", "s3://a/b": "2 GB"})) == [
        "the lake takes 2.01 GB, over its budget of 2.00 GB"
    ]


def test_no_measurement_is_no_finding_and_no_recovery() -> None:
    verdict = ask("storage", Facts(now=NOW))
    assert (verdict.findings, verdict.well) == ((), frozenset())
    assert verdict.skipped
    assert ask("storage", use(size=1)).well == frozenset(), "a disk that can't be measured is not well"


# --- Prefect ---


def prefect(*finished: FlowRun, waiting: tuple[FlowRun, ...] = ()) -> Facts:
    names = frozenset({"market/daily", "transform/on-demand"})
    return Facts(now=NOW, prefect=PrefectFacts(names, finished, waiting, "http://ui/"))


def test_a_failed_run_since_the_first_of_its_row() -> None:
    verdict = ask(
        "run_failed",
        prefect(
            flow_run("CRASHED", NOW - HOUR, run_id="last"),
            flow_run("FAILED", NOW - 2 * HOUR),
            flow_run("COMPLETED", NOW - 3 * HOUR),
            flow_run("FAILED", NOW - 4 * HOUR),
            flow_run("COMPLETED", NOW, deployment="transform/on-demand"),
        ),
    )
    (finding,) = verdict.findings
    assert (finding.subject, finding.since) == ("market/daily", NOW - 2 * HOUR)
    assert finding.what == "market/daily crashed, 2 times in a row: why"
    assert finding.link == "http://ui/runs/flow-run/last"
    assert verdict.well == {"transform/on-demand"}


def test_a_later_success_is_well_and_a_deployment_that_never_ran_is_neither() -> None:
    verdict = ask("run_failed", prefect(flow_run("FAILED", NOW - HOUR), flow_run("COMPLETED", NOW)))
    assert (verdict.findings, verdict.well) == ((), {"market/daily"})


@pytest.mark.parametrize(("age", "wrong"), [(15 * MINUTE, False), (15 * MINUTE + MINUTE / 60, True)])
def test_late_after_15_minutes(age: Any, wrong: bool) -> None:
    waiting = FlowRun(run_id="w", deployment="market/daily", state="SCHEDULED", due_at=NOW - age)
    verdict = ask("run_late", prefect(waiting=(waiting,)))
    assert bool(verdict.findings) is wrong
    assert ("market/daily" in verdict.well) is not wrong


def test_without_a_server_its_rules_say_that_they_do_not_know() -> None:
    for rule in ("run_failed", "run_late"):
        assert ask(rule, Facts(now=NOW, without_prefect="no server")) == Verdict(skipped="no server")


def test_a_rule_that_is_off_watches_nothing() -> None:
    facts = shelf(known_since={PLACE.scope: NOW - 9 * DAY})
    assert ask("stale_store", facts, enabled=False) == Verdict(watched=frozenset())
