"""Automations on the server, by name: made, brought up to date, and removed when declared no more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.events.schemas.automations import Automation, AutomationCore
from pydantic import ValidationError

from deployments.declared import AUTOMATION_PREFIX, DeclaredAutomation
from deployments.plan import Plan
from gondola.errors import ConfigurationError

__all__ = ["sync_automations"]

_KIND = "automation"
_PAGE = 200


async def sync_automations(
    client: PrefectClient, plan: Plan, declared: Sequence[DeclaredAutomation], deployments: Mapping[str, UUID]
) -> None:
    """Bring the server's automations of ours to those declared.

    Args:
        client: Of the server.
        plan: Where changes are written down.
        declared: The automations.
        deployments: Ids of deployments by `flow/name`, which actions name.

    Raises:
        ConfigurationError: An automation names a deployment that is not declared, or Prefect's schema refuses it.
    """
    held = await _read_ours(client)
    for entry in declared:
        documents = await _blocks(client, entry)
        if missing := sorted(name for name, document in documents.items() if document is None):
            plan.skip(_KIND, entry.name, f"there is no block {missing[0]}")
            continue
        wanted = _render(entry, deployments, documents)
        # Prefect allows two of one name, made by hand or by two deploys at once: the first is kept.
        same = held.get(entry.name, [])
        existing = same.pop(0) if same else None
        if plan.must_write(_KIND, entry.name, _fields(wanted), _fields(existing) if existing else None):
            if existing:
                await client.update_automation(existing.id, wanted)
            else:
                await client.create_automation(wanted)
    for automation in (one for several in held.values() for one in several):
        if plan.must_remove(_KIND, automation.name):
            await client.delete_automation(automation.id)


async def _read_ours(client: PrefectClient) -> dict[str, list[Automation]]:
    held: list[Automation] = []
    while page := await client.read_automations(limit=_PAGE, offset=len(held)):
        held += page
    ours: dict[str, list[Automation]] = {}
    for automation in held:
        if automation.name.startswith(AUTOMATION_PREFIX):
            ours.setdefault(automation.name, []).append(automation)
    return ours


async def _blocks(client: PrefectClient, entry: DeclaredAutomation) -> dict[str, BlockDocument | None]:
    names = {action["block"] for action in entry.actions if "block" in action}
    if not names:
        return {}
    documents: dict[str, BlockDocument] = {}
    read = 0
    while page := await client.read_block_documents(limit=_PAGE, offset=read, include_secrets=False):
        read += len(page)
        documents |= {document.name: document for document in page if document.name}
    return {name: documents.get(name) for name in names}


def _render(
    entry: DeclaredAutomation, deployments: Mapping[str, UUID], documents: Mapping[str, BlockDocument | None]
) -> AutomationCore:
    try:
        return AutomationCore.model_validate(
            {
                "name": entry.name,
                "description": entry.description,
                "trigger": entry.trigger,
                "actions": [_action(action, deployments, documents) for action in entry.actions],
            }
        )
    except KeyError as error:
        message = f"automation {entry.name!r} runs deployment {error}, which prefect.yaml does not declare"
        raise ConfigurationError(message) from error
    except ValidationError as error:
        first = error.errors()[0]
        message = f"automation {entry.name!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise ConfigurationError(message) from error


def _action(
    action: Mapping[str, Any], deployments: Mapping[str, UUID], documents: Mapping[str, BlockDocument | None]
) -> dict[str, Any]:
    """An action with ids in the place of names."""
    rest = {key: value for key, value in action.items() if key not in {"deployment", "block"}}
    if "deployment" in action:
        return rest | {"type": "run-deployment", "deployment_id": deployments[action["deployment"]]}
    document = documents.get(action.get("block", ""))
    if document is None:
        return rest
    if document.block_type_name == "Webhook":  # a plain HTTP call, which takes the text of a JSON document
        return {"type": "call-webhook", "block_document_id": document.id, "payload": json.dumps(rest)}
    return rest | {"type": "send-notification", "block_document_id": document.id}


def _fields(automation: AutomationCore) -> dict[str, Any]:
    return {name: getattr(automation, name) for name in ("description", "enabled", "trigger", "actions")}
