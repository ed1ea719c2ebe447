"""Make a Prefect server hold what the files declare: work pool, deployments, schedules, automations."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import get_current_settings
from prefect.utilities.callables import parameter_schema

from deployments.automations import sync_automations
from deployments.channels import save_channels
from deployments.declared import (
    POOL,
    TAG,
    DeclaredDeployment,
    PoolType,
    Template,
    read_automations,
    read_deployments,
    read_template,
)
from deployments.plan import Plan
from gondola.alerts.policy import load_alerts
from gondola.errors import ConfigurationError, SourceUnavailableError
from gondola.settings import PROJECT_ROOT, get_settings
from tasks.channels import block_name

__all__ = ["deploy"]

_NOT_YET = UUID(int=0)  # stands for the id of what a dry run would create
_HOW_TO_START = "start one with: prefect server start; then: export PREFECT_API_URL=http://127.0.0.1:4200/api"
_PAGE = 200


def deploy(project: Path = PROJECT_ROOT, *, pool_type: PoolType | None = None, dry_run: bool = False) -> Plan:
    """Bring the server to what `prefect.yaml` and `deployments/` declare; what is declared no more is removed.

    Only what carries our tag or our prefix is ever removed. Deploying twice changes nothing the second time.

    Args:
        project: Folder of `prefect.yaml`; process workers run flows from it.
        pool_type: Type of the work pool; None keeps the one there is, or makes a `process` pool.
        dry_run: Say what would be changed, change nothing.

    Raises:
        ConfigurationError: No server is configured, or something declared can't be used.
        SourceUnavailableError: The server does not answer.
    """
    api = get_current_settings().api.url
    if not api:
        message = f"PREFECT_API_URL is not set, so there is no Prefect server to deploy to; {_HOW_TO_START}"
        raise ConfigurationError(message)
    try:
        return asyncio.run(_deploy(project.resolve(), pool_type, dry_run=dry_run))
    except httpx.HTTPStatusError as error:
        # Without the request's headers: they hold the server's password.
        answer = f"{error.response.status_code} {error.response.text[:500]}"
        message = f"{api} refused {error.request.method} {error.request.url.path}: {answer}"
        if error.response.status_code == HTTPStatus.UNAUTHORIZED:
            message = f"{api} asks for a password: set PREFECT_API_AUTH_STRING to the server's"
        raise ConfigurationError(message) from None
    except httpx.HTTPError as error:
        message = f"no Prefect server answers at {api} ({type(error).__name__}); {_HOW_TO_START}"
        raise SourceUnavailableError(message) from error


async def _deploy(project: Path, pool_type: PoolType | None, *, dry_run: bool) -> Plan:
    declared = [(entry, _load_flow(project, entry)) for entry in read_deployments(project)]
    automations = read_automations(project)
    plan = Plan(dry_run=dry_run, ui=get_current_settings().ui_url or "")
    async with get_client() as client:
        template = await _sync_pool(client, plan, project, pool_type)
        ids = {}
        for entry, flow in declared:
            ids[f"{flow.name}/{entry.name}"] = await _sync_deployment(client, plan, template, entry, flow)
        # Channels of alerts are blocks: they have to be there before the automations that speak through them.
        await _sync_channels(client, plan)
        await sync_automations(client, plan, automations, ids)
        await _remove_undeclared(client, plan, set(ids.values()))
    return plan


async def _sync_channels(client: PrefectClient, plan: Plan) -> None:
    settings = get_settings()
    names = {block_name(channel): channel for channel in load_alerts(settings.alerts_file).channels}
    held = {document.name for document in await client.read_block_documents(limit=_PAGE, include_secrets=False)}
    if not plan.dry_run:
        await asyncio.to_thread(save_channels, settings)
    for name, channel in names.items():
        if os.environ.get(channel.variable):
            plan.must_write("channel", name, {}, {} if name in held else None)
        elif name in held:
            plan.must_write("channel", name, {}, {}, detail=f"as saved before; {channel.variable} is not set")
        else:
            plan.skip("channel", name, f"{channel.variable} is not set")


def _load_flow(project: Path, entry: DeclaredDeployment) -> Flow[..., Any]:
    path, _, function = entry.entrypoint.partition(":")
    where = f"{project / 'prefect.yaml'}: deployment {entry.name}"
    if not (project / path).is_file():
        message = f"{where}: no such file as {path} (entrypoint {entry.entrypoint})"
        raise ConfigurationError(message)
    try:
        flow: Flow[..., Any] = load_flow_from_entrypoint(f"{project / path}:{function}")
    except Exception as error:
        message = f"{where}: {entry.entrypoint} can't be loaded: {error}"
        raise ConfigurationError(message) from error
    known = set(inspect.signature(flow.fn).parameters)
    given = set(entry.parameters).union(*(schedule.parameters for schedule in entry.schedules))
    if unknown := sorted(given - known):
        message = f"{where}: flow {flow.name} has no parameter {unknown[0]!r}; it has {', '.join(sorted(known))}"
        raise ConfigurationError(message)
    return flow


async def _sync_pool(client: PrefectClient, plan: Plan, project: Path, pool_type: PoolType | None) -> Template:
    try:
        pool = await client.read_work_pool(POOL)
    except ObjectNotFound:
        pool = None
    if pool and pool_type and pool.type != pool_type:
        message = (
            f"the work pool {POOL} is of type {pool.type} and can't become {pool_type}; "
            f"to start anew: prefect work-pool delete {POOL}"
        )
        raise ConfigurationError(message)
    template = read_template(project, PoolType(pool.type) if pool else pool_type or PoolType.PROCESS)
    wanted = {"template": template.base_job_template}
    existing = {"template": pool.base_job_template} if pool else None
    if plan.must_write("work pool", POOL, wanted, existing):
        if pool is None:
            await client.create_work_pool(
                WorkPoolCreate(name=POOL, type=template.type, base_job_template=template.base_job_template)
            )
        else:
            await client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template.base_job_template))
    return template


async def _sync_deployment(
    client: PrefectClient, plan: Plan, template: Template, entry: DeclaredDeployment, flow: Flow[..., Any]
) -> UUID:
    name = f"{flow.name}/{entry.name}"
    try:
        existing = await client.read_deployment_by_name(name)
    except ObjectNotFound:
        existing = None
    limit = entry.concurrency_limit
    wanted: dict[str, Any] = {
        "description": entry.description,
        "entrypoint": entry.entrypoint,
        "tags": sorted({TAG, *entry.tags}),
        "parameters": entry.parameters,
        "parameter_openapi_schema": parameter_schema(flow).model_dump(mode="json"),
        "job_variables": entry.work_pool.job_variables,
        "work_pool_name": POOL,
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(template.project)}}],
        "enforce_parameter_schema": True,
        "concurrency_limit": limit.limit if limit else None,
        "concurrency_options": ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy(limit.collision_strategy))
        if limit
        else None,
        "schedules": [schedule.for_prefect() for schedule in entry.schedules],
    }
    held = _comparable(_held(existing, wanted)) if existing else None
    if not plan.must_write("deployment", name, _comparable(wanted), held):
        return existing.id if existing else _NOT_YET
    # Writing a deployment writes its schedules anew: one that the file no longer has is gone with it.
    flow_id = await client.create_flow_from_name(flow.name)
    return await client.create_deployment(flow_id=flow_id, name=entry.name, **wanted)


def _held(deployment: DeploymentResponse, fields: Iterable[str]) -> dict[str, Any]:
    """What the server holds, under the names by which it is written."""
    held = {field: getattr(deployment, field) for field in fields if field != "concurrency_limit"}
    limit = deployment.global_concurrency_limit
    return held | {"concurrency_limit": limit.limit if limit else None}


def _comparable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a deployment with no regard to order, and without what the server adds."""
    options = fields["concurrency_options"]
    return dict(fields) | {
        "tags": sorted(fields["tags"]),
        "concurrency_options": options and options.collision_strategy,
        "schedules": sorted(
            [(s.slug or "", s.active, s.parameters, s.schedule.model_dump(mode="json")) for s in fields["schedules"]],
            key=lambda schedule: schedule[0],
        ),
    }


async def _remove_undeclared(client: PrefectClient, plan: Plan, declared: set[UUID]) -> None:
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    held: list[DeploymentResponse] = []
    while page := await client.read_deployments(deployment_filter=ours, limit=_PAGE, offset=len(held)):
        held += page
    for deployment in held:
        if deployment.id not in declared:
            flow = await client.read_flow(deployment.flow_id)
            if plan.must_remove("deployment", f"{flow.name}/{deployment.name}"):
                await client.delete_deployment(deployment.id)
