"""Check alerts: what Prefect's server says of our deployments, the check itself, and a table for the UI."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from loguru import logger
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun as PrefectRun
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.settings import get_current_settings

from gondola import clock
from gondola.alerts.check import CheckReport, check
from gondola.alerts.facts import FlowRun, PrefectFacts
from gondola.alerts.policy import load_alerts
from gondola.settings import PROJECT_ROOT, Settings
from gondola.sources.stores import load_stores
from storage.lake import Lake
from tasks.channels import open_channels
from tasks.retries import STEP

__all__ = ["check_step", "our_deployments", "read_prefect", "run_check"]

_LAST_RUNS = 20  # of a deployment: enough to see since when it fails
_ENDED = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]
# A run that waits for a slot or for its retry was started by a worker; it is queued, not late.
_NOT_STARTED = {"Scheduled", "Late"}


@task(task_run_name="check alerts", tags=["alerts"], **STEP)
def check_step(settings: Settings) -> CheckReport:
    """`run_check`, with the open alerts as a table in the UI."""
    report = run_check(settings)
    if report.checked:
        rows: list[dict[str, Any]] = [
            {
                "severity": alert.severity.value,
                "rule": alert.rule,
                "subject": alert.subject,
                "since": f"{alert.since:%Y-%m-%d %H:%M} UTC",
                "what": alert.what,
                "told": ", ".join(sorted(name for name, said in alert.channels.items() if said.opened)) or "nobody yet",
            }
            for alert in report.open
        ]
        create_table_artifact(key="alerts", table=rows, description=f"{len(rows)} open alerts")
    return report


def run_check(settings: Settings, *, now: datetime | None = None) -> CheckReport:
    """Check all rules once, and tell the channels what is news.

    Args:
        settings: Name the lake, the alerts file and the stores file.
        now: The present; the clock's by default.

    Raises:
        ConfigurationError: The alerts file or the stores file can't be used.
        LakeUnavailableError: The lake does not answer.
    """
    now = now or clock.now()
    policy = load_alerts(settings.alerts_file)
    channels = open_channels(policy)
    report = check(
        Lake.open(settings.lake),
        policy,
        load_stores(settings.stores_file),
        prefect=read_prefect(our_deployments(), now=now),
        on=channels.on,
        send=channels.send,
        spool=settings.spool,
        now=now,
    )
    report.off = channels.off
    if report.checked:
        logger.info("alerts: {} opened, {} over, {} open", len(report.opened), len(report.closed), len(report.open))
    else:
        logger.info("alerts: another check is under way")
    return report


def our_deployments(path: Path = PROJECT_ROOT / "prefect.yaml") -> frozenset[str]:
    """The deployments declared in `prefect.yaml`, as Prefect names them: `market/daily`."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    # Prefect's name of a flow is that of its function, with dashes.
    return frozenset(
        f"{item['entrypoint'].rpartition(':')[2].replace('_', '-')}/{item['name']}" for item in document["deployments"]
    )


def read_prefect(names: Collection[str], *, now: datetime) -> PrefectFacts | str:
    """Ask Prefect's server for the last and the waiting runs of some deployments.

    Args:
        names: Deployments, as `flow/name`; those that the server does not know are left out.
        now: The present.

    Returns:
        The facts, or why there are none. No server is started for it.
    """
    settings = get_current_settings()
    if not settings.api.url:
        return "no Prefect server is configured (PREFECT_API_URL)"
    try:
        with get_client(sync_client=True) as client:
            ids = _deployment_ids(client, names)
            finished = [run for name, one in ids.items() for run in _finished(client, name, one)]
            waiting = _waiting(client, {one: name for name, one in ids.items()}, now)
    except (httpx.HTTPError, PrefectException) as error:
        return f"the Prefect server did not answer as expected ({type(error).__name__})"
    return PrefectFacts(frozenset(ids), tuple(finished), tuple(waiting), settings.ui_url)


def _deployment_ids(client: SyncPrefectClient, names: Collection[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(names):
        with suppress(ObjectNotFound):
            found[name] = client.read_deployment_by_name(name).id
    return found


def _finished(client: SyncPrefectClient, name: str, deployment: Any) -> list[FlowRun]:
    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[deployment]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_ENDED)),
        ),
        sort=FlowRunSort.END_TIME_DESC,
        limit=_LAST_RUNS,
    )
    return [_fact(run, name, run.expected_start_time) for run in runs]


def _waiting(client: SyncPrefectClient, names: dict[Any, str], now: datetime) -> list[FlowRun]:
    if not names:
        return []
    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=list(names)),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED, StateType.PENDING])),
            expected_start_time=FlowRunFilterExpectedStartTime(before_=now),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )
    facts = []
    for run in runs:
        if run.state is None or run.deployment_id is None:
            continue
        if run.state.type is StateType.PENDING:
            # It may have been queued for long before a worker took it.
            facts.append(_fact(run, names[run.deployment_id], run.state.timestamp))
        elif run.state.name in _NOT_STARTED:
            facts.append(_fact(run, names[run.deployment_id], run.expected_start_time))
    return facts


def _fact(run: PrefectRun, deployment: str, due_at: datetime | None) -> FlowRun:
    assert run.state is not None  # noqa: S101 - every run on a server has a state
    return FlowRun(
        run_id=str(run.id),
        deployment=deployment,
        state=run.state.type.value,
        due_at=due_at or run.state.timestamp,
        ended_at=run.end_time or run.state.timestamp,
        message=run.state.message,
    )
