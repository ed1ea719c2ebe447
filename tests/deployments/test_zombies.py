"""Worker and flow die together, mid-run: noticed by the heartbeat, taken up again, no row lost or doubled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import FlowRun

from deployments.deploy import deploy
from gondola.sandbox import Faults, Sandbox, World
from tests.deployments.conftest import ROOT, Project, ended, wait_for
from tests.deployments.worker import Worker, running_worker
from tests.platform import Platform, assert_day_is_true
from tests.servers import prefect_server, use_prefect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DAY = 5
STORES = {"serra": ["default"], "pampa": ["porto_alegre", "caxias"]}
# Prefect sends no heartbeat more often than every 30 s; the window of the real automation is 120 s.
WINDOW_SECONDS = 45


@pytest.fixture(scope="module")
def zombie_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prefect_server(tmp_path_factory.mktemp("zombies")) as api, use_prefect(api):
        yield api


@pytest.fixture
def client(zombie_api: str) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as made:
        yield made


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(tmp_path)


@pytest.fixture
def market(zombie_api: str, client: SyncPrefectClient, tmp_path: Path) -> UUID:
    """The real market and recover, with our automations on shorter times, and without schedules."""
    project = Project(tmp_path / "project")
    project.take_ours(window_seconds=WINDOW_SECONDS)
    entries = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    wanted = {"flows/market.py:market", "flows/recover.py:recover"}
    chosen = [entry | {"schedules": []} for entry in entries if entry["entrypoint"] in wanted]
    for entry in chosen:
        if entry["name"] == "on-crash":
            entry["parameters"] = {"silence_seconds": 5}
    project.deployments(*chosen)
    deploy(project.home)
    return client.read_deployment_by_name("market/daily").id


def sigkill(worker: Worker) -> None:
    worker.kill()


def sigterm(worker: Worker) -> None:
    flows = worker.children
    worker.terminate()
    time.sleep(3)
    assert not [pid for pid in flows if Path(f"/proc/{pid}/cmdline").exists() and _is_flow(pid)], "the flow died too"


def _is_flow(pid: int) -> bool:
    return b"prefect" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize(
    ("end", "stage"), [(sigkill, "crawl"), (sigterm, "crawl"), (sigkill, "build")], ids=["kill", "term", "kill-build"]
)
def test_a_dead_run_is_noticed_and_taken_up(
    market: UUID,
    client: SyncPrefectClient,
    platform: Platform,
    *,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Worker], None],
    stage: str,
) -> None:
    api = str(client.api_url)
    with Sandbox(world=World(products=150, outages=False), day=DAY, faults=Faults(latency=0.4)) as sandbox:
        sandbox.write_stores_file(platform.home / "stores.yaml")
        parameters = {"business_date": sandbox.date.isoformat(), "stores": list(STORES)}
        with running_worker(platform.home / "worker", api, platform.environment) as worker:
            run = client.create_flow_run_from_deployment(market, parameters=parameters)
            begun: dict[str, Callable[[], object]] = {
                "crawl": lambda: sandbox.stats("serra").requests > 3,
                "build": lambda: [child for child in children(client, run) if child.state_name == "Running"],
            }
            wait_for(begun[stage], seconds=120, said=lambda: worker.output)
            end(worker)
        assert client.read_flow_run(run.id).state_name == "Running", "nobody was left to say that it is dead"
        inner = children(client, run)

        with running_worker(platform.home / "next", api, platform.environment) as worker:
            wait_for(
                lambda: "Recovering" in states(client, run),
                seconds=WINDOW_SECONDS + 240,
                said=lambda: f"{client.read_flow_run_states(run.id)}\n{worker.output}",
            )
            done = wait_for(lambda: ended(client, run.id), seconds=180, said=lambda: worker.output)
            recoveries = FlowFilter(name=FlowFilterName(any_=["recover"]))
            wait_for(lambda: all(r.state and r.state.is_final() for r in client.read_flow_runs(flow_filter=recoveries)))

    history = states(client, run)
    assert done.state_name == "Complete", worker.output
    assert done.run_count == 2
    assert [name for name in history if name in {"Crashed", "Recovering", "Complete"}] == [
        "Crashed",
        "Recovering",
        "Complete",
    ]
    for child in inner:
        assert client.read_flow_run(child.id).state_name == "Crashed", "the transform within it"
    platform.use(monkeypatch)
    assert_day_is_true(platform, sandbox.world, DAY, STORES)


def states(client: SyncPrefectClient, run: FlowRun) -> list[str]:
    return [state.name or "" for state in client.read_flow_run_states(run.id)]


def children(client: SyncPrefectClient, run: FlowRun) -> list[FlowRun]:
    inner = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run.id]))
    return client.read_flow_runs(flow_run_filter=inner)
