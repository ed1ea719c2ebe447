"""A Prefect server for deployments, apart from the other tests' server, and small projects to deploy to it."""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun

from tests.servers import prefect_server, use_prefect

ROOT = Path(__file__).resolve().parent.parent.parent
RECOVER = "recover/on-crash"
FLOW = """
from prefect import flow

@flow(name="{name}", persist_result=False)
def {name}(rows: int = 1) -> int:
    return rows
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("deployments")
    with prefect_server(home, PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL="1") as api:
        yield api


@pytest.fixture
def api(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server, for this process and for those it starts; what a test left there is removed."""
    monkeypatch.setenv("PREFECT_API_URL", server)
    with use_prefect(server):
        yield server
        with get_client(sync_client=True) as client:
            for deployment in client.read_deployments():
                client.delete_deployment(deployment.id)
            for automation in client.read_automations():
                client.delete_automation(automation.id)
            for pool in client.read_work_pools():
                client.delete_work_pool(pool.name)


@pytest.fixture
def client(api: str) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as made:
        yield made


class Project:
    """A small project in a folder: our templates, its own flows, deployments and automations."""

    def __init__(self, home: Path) -> None:
        self.home = home
        shutil.copytree(ROOT / "deployments" / "templates", home / "deployments" / "templates")
        (home / "flows").mkdir()
        for name in ("tiny", "other"):
            (home / "flows" / f"{name}.py").write_text(textwrap.dedent(FLOW.format(name=name)))
        self.automations()
        self.deployments(self.entry())

    @staticmethod
    def entry(flow: str = "tiny", **fields: Any) -> dict[str, Any]:
        """An entry of `prefect.yaml` with a schedule, unless the fields say otherwise."""
        schedules = [{"slug": "daily", "cron": "30 5 * * *", "timezone": "America/Sao_Paulo"}]
        return {
            "name": "daily",
            "description": "A test.",
            "entrypoint": f"flows/{flow}.py:{flow}",
            "work_pool": {"name": "gondola"},
            "schedules": schedules,
        } | fields

    def take_ours(self, *, window_seconds: int | None = None) -> None:
        """Use our own flows and automations, but those automations that run what is not deployed here."""
        shutil.rmtree(self.home / "flows")
        shutil.copytree(ROOT / "flows", self.home / "flows")
        (self.home / "flows" / "tiny.py").write_text(textwrap.dedent(FLOW.format(name="tiny")))
        document = yaml.safe_load((ROOT / "deployments" / "automations.yaml").read_text())
        kept = []
        for entry in document["automations"]:
            if window_seconds and "heartbeat" in str(entry["trigger"].get("after")):
                entry["trigger"]["within"] = window_seconds
            if all(action.get("deployment", RECOVER) == RECOVER for action in entry["actions"]):
                kept.append(entry)
        self.automations(*kept)

    def deployments(self, *entries: dict[str, Any]) -> None:
        (self.home / "prefect.yaml").write_text(yaml.safe_dump({"name": "test", "deployments": list(entries)}))

    def automations(self, *entries: dict[str, Any]) -> None:
        path = self.home / "deployments" / "automations.yaml"
        path.write_text(yaml.safe_dump({"automations": list(entries)}))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def wait_for(what: Callable[[], Any], *, seconds: float = 60, said: Callable[[], str] = str) -> Any:
    """The first truth that `what` gives; fails with what was `said` when none comes in time."""
    give_up = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < give_up, said()
        time.sleep(0.5)
    return found


def ended(client: SyncPrefectClient, run_id: UUID) -> FlowRun | None:
    """A flow run that is at its end, or None."""
    run = client.read_flow_run(run_id)
    return run if run.state and run.state.is_final() else None
