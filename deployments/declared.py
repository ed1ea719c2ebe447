"""What `prefect.yaml` and `deployments/` declare, read strictly: a key that nobody would act on is an error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from pydantic import Field, ValidationError, field_validator

from gondola.errors import ConfigurationError
from gondola.yaml_files import Strict, load_yaml

__all__ = [
    "AUTOMATION_PREFIX",
    "POOL",
    "TAG",
    "DeclaredAutomation",
    "DeclaredDeployment",
    "PoolType",
    "Template",
    "read_automations",
    "read_deployments",
    "read_template",
]

POOL = "gondola"
TAG = "gondola"
"""On every deployment of ours, and so on its runs: what has it and is not declared is removed."""
AUTOMATION_PREFIX = "gondola: "
"""Begins the name of every automation of ours: what has it and is not declared is removed."""
_IN_CONTAINERS = Path("/opt/gondola")


class PoolType(StrEnum):
    """Where runs are started: as processes of the worker, or as containers by it."""

    PROCESS = "process"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    ECS = "ecs"


class _Schedule(Strict):
    slug: str
    cron: str
    timezone: str
    active: bool = True
    parameters: dict[str, Any] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            message = f"{value!r} is not a time zone"
            raise ValueError(message) from error
        return value

    @field_validator("cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        try:
            CronSchedule(cron=value)
        except ValidationError as error:
            message = f"{value!r} is not a cron expression"
            raise ValueError(message) from error
        return value

    def for_prefect(self) -> DeploymentScheduleCreate:
        return DeploymentScheduleCreate(
            schedule=CronSchedule(cron=self.cron, timezone=self.timezone),
            active=self.active,
            parameters=self.parameters,
            slug=self.slug,
        )


class _Concurrency(Strict):
    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class _WorkPool(Strict):
    name: Literal["gondola"]
    job_variables: dict[str, Any] = Field(default_factory=dict)


class DeclaredDeployment(Strict):
    """One entry of `prefect.yaml`; the keys are Prefect's own."""

    name: str
    description: str
    entrypoint: str
    work_pool: _WorkPool
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    concurrency_limit: _Concurrency | None = None
    schedules: tuple[_Schedule, ...] = ()


class _File(Strict):
    name: str
    deployments: tuple[DeclaredDeployment, ...]


class DeclaredAutomation(Strict):
    """One entry of `automations.yaml`: Prefect's own schema, but for names in the place of ids.

    An action may say `deployment: flow/name`, or `block: name` with a subject and a body. One that names a block
    is declared only where such a block exists.
    """

    name: str = Field(pattern=f"^{AUTOMATION_PREFIX}")
    description: str
    trigger: dict[str, Any]
    actions: tuple[dict[str, Any], ...]


class _Automations(Strict):
    automations: tuple[DeclaredAutomation, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """How a pool of some type starts a run, and where the project is when it does."""

    type: PoolType
    base_job_template: dict[str, Any]
    project: Path


def read_deployments(project: Path) -> tuple[DeclaredDeployment, ...]:
    """The deployments of `prefect.yaml`.

    Args:
        project: Folder of the file.

    Raises:
        ConfigurationError: The file is missing, or an entry can't be used; the message names the key.
    """
    return load_yaml(project / "prefect.yaml", _File, what="deployments").deployments


def read_automations(project: Path) -> tuple[DeclaredAutomation, ...]:
    """The automations of `deployments/automations.yaml`.

    Args:
        project: Folder that holds `deployments/`.

    Raises:
        ConfigurationError: The file is missing, or an entry can't be used; the message names the key.
    """
    return load_yaml(project / "deployments" / "automations.yaml", _Automations, what="automations").automations


def read_template(project: Path, pool_type: PoolType) -> Template:
    """The base job template for a type of work pool.

    Args:
        project: Folder that holds `deployments/templates/`.
        pool_type: Which one.

    Raises:
        ConfigurationError: There is no such file, or it is not JSON.
    """
    path = project / "deployments" / "templates" / f"{pool_type}.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path}: {error}"
        raise ConfigurationError(message) from error
    return Template(pool_type, document, project if pool_type is PoolType.PROCESS else _IN_CONTAINERS)
