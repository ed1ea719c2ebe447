"""The route for SQL of a user: off unless asked for, read-only, and bounded in time, memory and rows."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gondola.serving.api.access import Guard
from gondola.serving.api.keys import Scope
from gondola.serving.api.problems import problems
from gondola.serving.api.replies import Form, encoded, known_parameters
from gondola.serving.query import run_query
from gondola.serving.reads import Answer, BusyError, DataVersion
from gondola.settings import Settings
from storage.publish import published_version

__all__ = ["sql_router"]

_TIME_LIMIT = timedelta(seconds=30)
_MOST_ROWS = 100_000
_AT_ONCE = 2  # each may take the memory of one


class Statement(BaseModel):
    """One statement that reads."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "sql": "select supermarket, count(*) as skus from market.dim_products where brand = $brand group by 1",
                "parameters": {"brand": "Grão Nobre"},
                "limit": 1000,
                "format": "json",
            }
        },
    )

    sql: str = Field(min_length=1, max_length=20_000)
    parameters: dict[str, str | int | float | bool | None] = Field(default_factory=dict, max_length=100)
    limit: int = Field(default=10_000, ge=1, le=_MOST_ROWS, description="Rows returned at most.")
    format: Form = Form.JSON


def sql_router(settings: Settings, guard: Guard) -> APIRouter:
    """The route that needs the scope `sql`.

    Args:
        settings: Name the warehouse.
        guard: Lets requests through.
    """
    router = APIRouter(prefix="/v1", tags=["sql"], dependencies=[*guard.needs(Scope.SQL), Depends(known_parameters)])
    turns = threading.BoundedSemaphore(_AT_ONCE)
    row: dict[str, Any] = {"supermarket": "bistek", "skus": 31}

    @router.post("/sql", responses=problems() | {200: {"content": {"application/json": {"example": {"data": [row]}}}}})
    def sql(request: Request, statement: Statement) -> Response:
        """Answer one statement from the published copy: no files, no network, 30 seconds, one at a time of two."""
        request.state.asked = {"sql": statement.sql}
        if not turns.acquire(timeout=_TIME_LIMIT.total_seconds()):
            message = "other statements are being answered; ask again later"
            raise BusyError(message)
        try:
            version = published_version(settings.warehouse) or ""
            rows = run_query(
                settings,
                statement.sql,
                parameters=statement.parameters or None,
                max_rows=statement.limit,
                time_limit=_TIME_LIMIT,
                version=version or None,
                spill=False,
            )
        finally:
            turns.release()
        return encoded(Answer(rows, DataVersion(version)), statement.format, request, {"Cache-Control": "no-store"})

    return router
