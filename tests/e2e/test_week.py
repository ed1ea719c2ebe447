"""A week in which everything goes wrong once: every number is true at its end, and who was told was told once."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client

from deployments.deploy import deploy
from gondola import clock
from gondola.sandbox import Faults, Sandbox, World
from gondola.settings import get_settings
from tasks.alerts import run_check
from tests.deployments.conftest import ROOT, Project, ended, wait_for
from tests.deployments.worker import running_worker
from tests.platform import REGIONS, Platform, assert_day_is_true
from tests.receivers import Inbox, receive_webhooks
from tests.servers import prefect_server, use_prefect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

FIRST = 5  # the sandbox's day on which the week begins
OUTAGE = "pampa"
FILE_LIMIT = 40_000  # bytes; a bronze file of the week is several times that
LATER = timedelta(hours=3)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[str]:
    with prefect_server(tmp_path / "prefect") as address, use_prefect(address):
        yield address


@pytest.fixture
def client(api: str) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as made:
        yield made


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform(tmp_path)
    made.use(monkeypatch)
    return made


@pytest.fixture
def inbox(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    (platform.home / "alerts.yaml").write_text(
        "channels: [{name: hook, kind: webhook, variable: HOOK}]\n"
        # A reminder of what stays open would be a third kind of message; here it is the episodes that are counted.
        "rules:\n  stale_store: {remind_hours: null}\n  run_failed: {remind_hours: null}\n"
    )
    with receive_webhooks() as receiver:
        monkeypatch.setenv("HOOK", receiver.address)
        monkeypatch.setenv("GONDOLA_ALERTS_FILE", str(platform.home / "alerts.yaml"))
        get_settings.cache_clear()
        yield receiver


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can grow beyond a limit, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def check() -> None:
    report = run_check(get_settings())
    assert report.checked
    assert not report.failed


def test_a_week_in_which_everything_goes_wrong(
    platform: Platform, client: SyncPrefectClient, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(products=300, outages=False, epoch=clock.today() - timedelta(days=FIRST))

    # Monday: the worker and the run it works on are killed. The run is noticed, taken up again, and completes.
    market = deploy_market(client, platform.home / "project")
    with Sandbox(world=world, day=FIRST, faults=Faults(latency=0.3)) as sandbox:
        sandbox.write_stores_file(platform.home / "stores.yaml")
        a_worker_dies(client, market, platform, sandbox)
    check()  # it is over
    assert inbox.events == [("opened", "run_failed", "market/daily"), ("closed", "run_failed", "market/daily")]

    # Tuesday is a day like any other.
    crawl_day(platform, world, 1)

    # Wednesday a store answers nothing all day. Its prices are missed by afternoon of the next day at the latest.
    told = len(inbox.messages)
    crawl_day(platform, world, 2, faults=Faults(outages=[OUTAGE]), status="partial")
    stale = [("stale_store", f"{OUTAGE}/{region}") for region in sorted(REGIONS[OUTAGE])]
    assert sorted(inbox.events[2:]) == sorted(
        [("opened", "success_rate", "market"), *(("opened", rule, subject) for rule, subject in stale)]
    )
    assert len(inbox.messages) == told + 2, "what opens at once is one message"

    # Thursday the store is back, and another bears few requests: it is asked slowly, and gives all.
    told = len(inbox.messages)
    crawl_day(platform, world, 3, faults=Faults(requests_per_second=6.0))
    throttled = sum(run["throttled"] for run in platform.records("metadata/runs/system=market"))
    assert throttled > 10, "there was a storm"
    assert sorted(inbox.events[5:]) == [("closed", rule, subject) for rule, subject in stale]
    assert len(inbox.messages) == told + 1

    # Friday the disk is full; then somebody makes room.
    told = len(inbox.messages)
    with full_disk():
        crawl_day(platform, world, 4, status="failed", later=False)
    failed = [run for run in platform.records("metadata/runs/system=market") if "spool" in (run["error"] or "")]
    assert len({run["scope"] for run in failed}) == 7, "each store-region says why"
    crawl_day(platform, world, 4)

    # Saturday the APIs have changed overnight. Sunday is a day like any other.
    crawl_day(platform, world, 5, faults=Faults(changed_schemas=list(REGIONS)))
    crawl_day(platform, world, 6)
    assert len(inbox.messages) == told, "nothing else is worth a message"
    still_open = {(alert.rule, alert.subject) for alert in run_check(get_settings(), now=after(6)).open}
    assert still_open == {("success_rate", "market")}, "the week had bad runs, and that is said until they are old"

    # Every number in the warehouse is what was on the shelves.
    for number in range(7):
        stores = {store: regions for store, regions in REGIONS.items() if number != 2 or store != OUTAGE}
        assert_day_is_true(platform, world, FIRST + number, stores)
    day = world.date_of(FIRST + 2)
    assert (
        platform.query("from market.fct_prices_daily where supermarket = $s and price_date = $d", s=OUTAGE, d=day) == []
    )
    gone = "from market.tru_price where status = 'gone' and supermarket = $store and valid_from = $day"
    assert platform.query(gone, store=OUTAGE, day=day) == [], "an outage is never a delisting"


def deploy_market(client: SyncPrefectClient, home: Path) -> UUID:
    """The market and recover, with our automations on shorter times, and without schedules."""
    project = Project(home)
    project.take_ours(window_seconds=45)
    entries = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    chosen = [
        entry | {"schedules": []}
        for entry in entries
        if entry["entrypoint"] in {"flows/market.py:market", "flows/recover.py:recover"}
    ]
    for entry in chosen:
        if entry["name"] == "on-crash":
            entry["parameters"] = {"silence_seconds": 25}  # long enough for alerts to be checked in between
    project.deployments(*chosen)
    deploy(project.home)
    return client.read_deployment_by_name("market/daily").id


def a_worker_dies(client: SyncPrefectClient, market: UUID, platform: Platform, sandbox: Sandbox) -> None:
    api = str(client.api_url)
    with running_worker(platform.home / "worker", api, platform.environment) as worker:
        parameters = {"business_date": sandbox.date.isoformat()}
        run = client.create_flow_run_from_deployment(market, parameters=parameters)
        wait_for(lambda: sandbox.stats("serra").requests > 3, seconds=180, said=lambda: worker.output)
        worker.kill()
    with running_worker(platform.home / "next", api, platform.environment) as worker:

        def is_crashed() -> bool:
            state = client.read_flow_run(run.id).state
            return state is not None and state.is_crashed()

        wait_for(is_crashed, seconds=240, said=lambda: worker.output)
        check()
        done = wait_for(lambda: ended_well(client, run.id), seconds=300, said=lambda: worker.output)
        assert done.state_name == "Complete", worker.output


def ended_well(client: SyncPrefectClient, run: UUID) -> object:
    found = ended(client, run)
    return found if found and found.state_name != "Crashed" else None


def after(number: int) -> datetime:
    return clock.now() + timedelta(days=number) + LATER


def crawl_day(
    platform: Platform,
    world: World,
    number: int,
    *,
    faults: Faults | None = None,
    status: str = "complete",
    later: bool = True,
) -> None:
    """Crawl on a day of the week, and look for trouble at once and some hours later."""
    with (
        clock.put_forward(timedelta(days=number)),
        Sandbox(world=world, day=FIRST + number, faults=faults or Faults(rate=0.02)) as sandbox,
    ):
        report = platform.crawl(sandbox)
        assert report.status == status, report
        check()
    if later:
        with clock.put_forward(timedelta(days=number) + LATER):
            check()
