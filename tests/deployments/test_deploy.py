"""`gondola deploy` against a real server: what is declared is there, what is not is gone, a real worker runs it."""

from __future__ import annotations

import json
import re
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import prefect as prefect_package
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.declared import AUTOMATION_PREFIX, PoolType, read_automations, read_deployments, read_template
from deployments.deploy import deploy
from deployments.plan import Plan
from gondola.errors import ConfigurationError, SourceUnavailableError
from gondola.sandbox import Sandbox, World
from tests.deployments.conftest import ROOT, Project, ended, wait_for
from tests.deployments.worker import running_worker
from tests.platform import Platform, assert_day_is_true
from tests.servers import free_port

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
STORES = {"serra": ["default"]}
SILENT = {
    "name": f"{AUTOMATION_PREFIX}a test",
    "description": "A test.",
    "trigger": {"type": "event", "posture": "Reactive", "expect": ["prefect.flow-run.Crashed"]},
    "actions": [{"deployment": "tiny/daily", "parameters": {"rows": "2"}}],
}


def actions(plan: Plan) -> dict[str, str]:
    return {f"{change.kind} {change.name}": change.action for change in plan.changes if change.kind != "channel"}


def test_the_command_deploys_all_once_and_a_worker_runs_it(
    api: str, client: SyncPrefectClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = Platform(tmp_path, extra={"PREFECT_API_URL": api})
    first, again = (platform.command("deploy", "--json") for _ in range(2))
    assert first.code == again.code == 0, first.err + again.err
    assert {change["action"] for change in first.document["changes"]} <= {"created", "skipped"}
    assert {change["action"] for change in again.document["changes"]} <= {"unchanged", "skipped"}
    assert first.document["ui"] == api.removesuffix("/api")
    assert {"market/daily", "transform/on-demand", "recover/on-crash"} <= {
        change["name"] for change in first.document["changes"]
    }

    # The schedule yields runs, at the hour of the stores.
    market = client.read_deployment_by_name("market/daily")
    at = DeploymentFilter(id=DeploymentFilterId(any_=[market.id]))
    scheduled = wait_for(lambda: client.read_flow_runs(deployment_filter=at))
    hours = {run.expected_start_time.astimezone(SAO_PAULO).time() for run in scheduled if run.expected_start_time}
    assert hours == {time(6, 0)}

    # A worker takes a run, and what it did is read from the API and from the warehouse.
    with Sandbox(world=World(products=100, outages=False), day=5) as sandbox:
        sandbox.write_stores_file(platform.home / "stores.yaml")
        with running_worker(tmp_path / "worker", api, platform.environment) as worker:
            started = client.create_flow_run_from_deployment(
                market.id, parameters={"business_date": sandbox.date.isoformat(), "stores": list(STORES)}
            )
            run = wait_for(lambda: ended(client, started.id), seconds=180, said=lambda: worker.output)
            assert run.state.name == "Complete", worker.output
            assert {"gondola", "market"} <= set(run.tags)
        platform.use(monkeypatch)
        assert_day_is_true(platform, sandbox.world, 5, STORES)


def test_a_second_deploy_writes_nothing(api: str, client: SyncPrefectClient, project: Project) -> None:
    limit = {"limit": 2, "collision_strategy": "ENQUEUE"}
    project.deployments(project.entry(parameters={"rows": 3}, tags=["b", "a"], concurrency_limit=limit))
    project.automations(SILENT)
    assert set(actions(deploy(project.home)).values()) == {"created"}
    before = client.read_deployment_by_name("tiny/daily"), client.read_automations()
    assert set(actions(deploy(project.home)).values()) == {"unchanged"}
    assert (client.read_deployment_by_name("tiny/daily"), client.read_automations()) == before
    assert before[0].tags == ["a", "b", "gondola"]
    assert before[0].global_concurrency_limit
    assert before[0].global_concurrency_limit.limit == 2


def test_a_dry_run_writes_nothing(api: str, client: SyncPrefectClient, project: Project) -> None:
    project.automations(SILENT)
    assert set(actions(deploy(project.home, dry_run=True)).values()) == {"created"}
    assert not client.read_deployments()
    assert not client.read_automations()
    assert not client.read_work_pools()

    deploy(project.home)
    project.deployments(project.entry(description="Another."))
    project.automations()
    planned = actions(deploy(project.home, dry_run=True))
    assert planned["deployment tiny/daily"] == "changed"
    assert planned[f"automation {SILENT['name']}"] == "removed"
    assert client.read_deployment_by_name("tiny/daily").description == "A test."
    assert len(client.read_automations()) == 1


def test_what_leaves_the_file_leaves_the_server(api: str, client: SyncPrefectClient, project: Project) -> None:
    every_hour = {"slug": "hourly", "cron": "0 * * * *", "timezone": "America/Sao_Paulo"}
    daily = project.entry()["schedules"]
    project.deployments(project.entry(schedules=[*daily, every_hour]), project.entry("other", name="also"))
    project.automations(SILENT)
    deploy(project.home)
    deployment = client.read_deployment_by_name("tiny/daily")
    at = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
    wait_for(lambda: any(_minute(run) == 0 for run in client.read_flow_runs(deployment_filter=at)))

    # What others made on the same server is theirs.
    flow_id = client.create_flow_from_name("theirs")
    client.create_deployment(flow_id=flow_id, name="theirs", work_pool_name="gondola")

    project.deployments(project.entry())
    project.automations()
    did = actions(deploy(project.home))
    assert did["deployment tiny/daily"] == "changed"
    assert did["deployment other/also"] == "removed"
    assert did[f"automation {SILENT['name']}"] == "removed"
    assert [schedule.slug for schedule in client.read_deployment_by_name("tiny/daily").schedules] == ["daily"]
    assert {deployment.name for deployment in client.read_deployments()} == {"daily", "theirs"}
    left = wait_for(lambda: client.read_flow_runs(deployment_filter=at))
    assert {_minute(run) for run in left} == {30}, "runs of the schedule that is gone are gone too"

    project.deployments(project.entry(schedules=[]))
    deploy(project.home)
    assert client.read_deployment_by_name("tiny/daily").schedules == []


def _minute(run: Any) -> int:
    return int(run.expected_start_time.minute)


def test_an_automation_speaks_only_through_a_block_that_exists(
    api: str, client: SyncPrefectClient, project: Project
) -> None:
    from prefect.blocks.webhook import Webhook

    speaks = SILENT | {"actions": [{"block": "test-alerts", "subject": "Late", "body": "It is late."}]}
    project.automations(speaks)
    assert actions(deploy(project.home))[f"automation {SILENT['name']}"] == "skipped"
    assert not client.read_automations()

    Webhook(method="POST", url="http://127.0.0.1:9/").save("test-alerts")
    assert actions(deploy(project.home))[f"automation {SILENT['name']}"] == "created"
    (automation,) = client.read_automations()
    (action,) = automation.actions
    assert action.type == "call-webhook"
    assert json.loads(action.payload) == {"subject": "Late", "body": "It is late."}

    # Without the block it would fail in silence: it is not left there.
    (document,) = client.read_block_documents()
    client.delete_block_document(document.id)
    deploy(project.home)
    assert not client.read_automations()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"entrypoint": "flows/none.py:none"}, "no such file as flows/none.py"),
        ({"entrypoint": "flows/tiny.py:none"}, "flows/tiny.py:none can't be loaded"),
        ({"parameters": {"row": 1}}, "flow tiny has no parameter 'row'; it has rows"),
        (
            {"schedule": {"cron": "* * * * *"}},
            r"deployments\[daily\].schedule: unknown field; did you mean 'schedules'",
        ),
        (
            {"schedules": [{"slug": "a", "cron": "0 6 * * *"}]},
            r"deployments\[daily\].schedules\[0\].timezone: Field required",
        ),
        ({"schedules": [{"slug": "a", "cron": "0 6 * * *", "timezone": "Brasil"}]}, "'Brasil' is not a time zone"),
        ({"schedules": [{"slug": "a", "cron": "0 6 * *", "timezone": "UTC"}]}, "'0 6 .*not a cron expression"),
        ({"work_pool": {"name": "other"}}, "work_pool.name"),
    ],
)
def test_what_can_t_be_used_is_said(api: str, project: Project, fields: dict[str, Any], message: str) -> None:
    project.deployments(project.entry(**fields))
    with pytest.raises(ConfigurationError, match=message):
        deploy(project.home)


def test_an_automation_names_declared_deployments(api: str, client: SyncPrefectClient, project: Project) -> None:
    project.automations(SILENT | {"actions": [{"deployment": "tiny/dayly"}]})
    with pytest.raises(ConfigurationError, match="tiny/dayly"):
        deploy(project.home)
    project.automations(SILENT | {"name": "theirs"})
    with pytest.raises(ConfigurationError, match="name"):
        deploy(project.home)


def test_a_pool_keeps_its_type(api: str, client: SyncPrefectClient, project: Project) -> None:
    deploy(project.home, pool_type=PoolType.DOCKER)
    pool = client.read_work_pool("gondola")
    assert pool.type == "docker"
    (step,) = client.read_deployment_by_name("tiny/daily").pull_steps or []
    assert step["prefect.deployments.steps.set_working_directory"]["directory"] == "/opt/gondola"
    assert set(actions(deploy(project.home)).values()) == {"unchanged"}
    with pytest.raises(ConfigurationError, match="work-pool delete gondola"):
        deploy(project.home, pool_type=PoolType.PROCESS)


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    dead = Platform(tmp_path).command("deploy", PREFECT_API_URL=f"http://127.0.0.1:{free_port()}/api")
    unset = Platform(tmp_path).command("deploy", PREFECT_API_URL="", PREFECT_HOME=str(tmp_path))
    assert (dead.code, unset.code) == (1, 2)
    assert "prefect server start" in dead.err
    assert "prefect server start" in unset.err
    assert "Traceback" not in dead.err + unset.err


def test_templates_are_what_each_type_of_pool_understands() -> None:
    metadata = (
        Path(prefect_package.__file__).parent / "server/api/collections_data/views/aggregate-worker-metadata.json"
    )
    known = {kind: of for each in json.loads(metadata.read_text()).values() for kind, of in each.items()}
    for pool_type in PoolType:
        template = read_template(ROOT, pool_type).base_job_template
        variables = template["variables"]["properties"]
        theirs = known[pool_type.value]["default_base_job_configuration"]["job_configuration"]
        assert set(template["job_configuration"]) <= set(theirs), pool_type
        used = set(_placeholders(template["job_configuration"]))
        assert used == set(variables), pool_type
        # Without it a run's heartbeat comes every 180 s, and a healthy run is taken for dead.
        assert variables["env"]["default"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"


def _placeholders(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [name for item in value.values() for name in _placeholders(item)]
    if isinstance(value, list):
        return [name for item in value for name in _placeholders(item)]
    return re.findall(r"{{ (\w+) }}", value) if isinstance(value, str) else []


def test_nothing_starts_itself_without_end() -> None:
    """A run that an automation starts on trouble must not be in that trouble itself."""
    tags = {
        f"{entry.entrypoint.split(':')[1].replace('_', '-')}/{entry.name}": entry.tags
        for entry in read_deployments(ROOT)
    }
    for entry in read_automations(ROOT):
        for started in (action["deployment"] for action in entry.actions if "deployment" in action):
            assert "watched" not in tags[started]
            assert entry.trigger["match_related"]["prefect.resource.id"] == "prefect.tag.watched"


def test_silence_is_three_heartbeats_at_least() -> None:
    (silent,) = (entry for entry in read_automations(ROOT) if "heartbeat" in str(entry.trigger.get("after")))
    assert silent.trigger["within"] >= 90


def test_it_must_be_a_server_that_answers(project: Project) -> None:
    with (
        temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}),
        pytest.raises(SourceUnavailableError, match="no Prefect server answers"),
    ):
        deploy(project.home)
