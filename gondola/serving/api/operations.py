"""What machines that look after machines ask: is it there, and how is it."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from gondola.serving.metrics import CONTENT_TYPE, prometheus_text
from gondola.serving.status import read_status
from gondola.settings import Settings
from storage.publish import published_version

__all__ = ["operations_router"]


class Health(BaseModel):
    """The process answers, and what it would answer from."""

    status: str
    published: str | None


def operations_router(settings: Settings) -> APIRouter:
    """Routes for orchestrators and Prometheus.

    Args:
        settings: Name the lake and the warehouse.
    """
    router = APIRouter(tags=["operations"])

    # Plain functions: they block on the disk, so FastAPI runs them in its threads.
    @router.get("/healthz")
    def healthz() -> Health:
        """Whether the process answers; it stays well when the lake is not."""
        return Health(status="ok", published=published_version(settings.warehouse))

    @router.get("/metrics", response_class=Response)
    def metrics() -> Response:
        """The status of the last seven days, in Prometheus' text format."""
        return Response(prometheus_text(read_status(settings)), media_type=CONTENT_TYPE)

    return router
