"""What machines that look after machines ask: is it there, and how is it; and every run there was."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from gondola import clock
from gondola.serving.api.access import Guard
from gondola.serving.api.keys import Scope
from gondola.serving.api.problems import problems
from gondola.serving.api.replies import Pages, described, known_parameters
from gondola.serving.metrics import CONTENT_TYPE, prometheus_text
from gondola.serving.reads import operations
from gondola.serving.status import read_status
from gondola.settings import Settings
from storage.publish import published_version

__all__ = ["health_router", "operations_router"]

_RUN = {"run_id": "bistek-costeira-20260205T143200Z", "system": "market", "status": "complete"}


class Health(BaseModel):
    """The process answers, and what it would answer from."""

    status: str
    published: str | None


def health_router(settings: Settings) -> APIRouter:
    """The route for load balancers and orchestrators, which have no key.

    Args:
        settings: Name the warehouse.
    """
    router = APIRouter(tags=["operations"])

    # Plain functions: they block on the disk, so FastAPI runs them in its threads.
    @router.get("/healthz")
    def healthz() -> Health:
        """Whether the process answers; it stays well when the lake is not."""
        return Health(status="ok", published=published_version(settings.warehouse))

    return router


def operations_router(settings: Settings, guard: Guard) -> APIRouter:
    """Routes that need the scope `operations`.

    Args:
        settings: Name the lake and the warehouse.
        guard: Lets requests through.
    """
    router = APIRouter(tags=["operations"], dependencies=[*guard.needs(Scope.OPERATIONS), Depends(known_parameters)])

    @router.get("/metrics", responses=problems() | {200: {"content": {"text/plain": {}}}}, response_class=Response)
    def metrics() -> Response:
        """The status of the last seven days, in Prometheus' text format."""
        return Response(prometheus_text(read_status(settings)), media_type=CONTENT_TYPE)

    @router.get("/v1/status", responses=problems())
    def status(days: Annotated[int, Query(ge=1, le=366, description="Days of runs looked at.")] = 7) -> dict[str, Any]:
        """Freshness, coverage, the last transform, cost, alerts and storage, as they are this moment."""
        now = clock.now()
        found = read_status(settings, days=days, now=now)
        document = asdict(found)
        del document["lake"]  # an address inside the house
        for scope, item in zip(document["scopes"], found.scopes, strict=True):
            scope["is_fresh"] = item.is_fresh(now)
        plain: dict[str, Any] = json.loads(json.dumps(document, default=str))
        return plain

    @router.get("/v1/runs", **described(_RUN))
    def runs(
        *,
        reply: Annotated[Pages, Depends()],
        system: Annotated[str | None, Query(max_length=200, description="One system only.")] = None,
        status: Annotated[
            Literal["complete", "partial", "failed"] | None, Query(description="One status only.")
        ] = None,
        supermarket: Annotated[str | None, Query(max_length=200, description="One chain only.")] = None,
    ) -> Response:
        """Every run that the published copy knows, the newest first."""
        return reply(
            lambda snapshot: operations.runs(
                snapshot, system=system, status=status, supermarket=supermarket, page=reply.page
            )
        )

    @router.get("/v1/checks", **described({"check_name": "volume", "subject": "supermarket=bistek", "passed": True}))
    def checks(
        *,
        reply: Annotated[Pages, Depends()],
        days: Annotated[int, Query(ge=1, le=3660, description="Days looked at.")] = 7,
        failed: Annotated[bool, Query(description="Only what did not pass.")] = False,
    ) -> Response:
        """What the quality checks found, the newest first."""
        return reply(lambda snapshot: operations.checks(snapshot, days=days, failed_only=failed, page=reply.page))

    return router
