"""What the API says when it can't answer: one document for every error, as RFC 9457 describes it."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from loguru import logger
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gondola.errors import ConfigurationError, GondolaError, LakeKeyError, UnknownNameError
from gondola.serving.query import QueryError
from gondola.serving.reads import BusyError, CursorError, NotBuiltError, VersionGoneError

__all__ = ["Problem", "handle_problems", "problem", "problems"]

MEDIA_TYPE = "application/problem+json"
# The first class that an error is one of decides.
_STATUSES: tuple[tuple[type[GondolaError], int, str], ...] = (
    (VersionGoneError, 410, "version_gone"),
    (CursorError, 400, "bad_cursor"),
    (UnknownNameError, 404, "unknown_name"),
    (NotBuiltError, 404, "not_built"),
    (BusyError, 503, "busy"),
    (QueryError, 400, "bad_query"),
    (LakeKeyError, 503, "nothing_published"),
    (ConfigurationError, 400, "bad_request"),
)
_RETRY_SECONDS = "5"


class Problem(BaseModel):
    """Why there is no answer."""

    type: str
    """A word for programs, such as `unknown_name`."""
    title: str
    status: int
    detail: str
    """A sentence for people: what was wrong, and what to do."""

    model_config = {
        "json_schema_extra": {
            "example": {
                "type": "unknown_name",
                "title": "Not Found",
                "status": 404,
                "detail": "no store-region 'bistek/centro'; known: bistek/florianopolis_costeira",
            }
        }
    }


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, as its documentation lists them.

    Args:
        *statuses: Statuses besides those that every route has.
    """
    every = {400, 401, 403, 404, 410, 422, 429, 503, *statuses}
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}} for status in sorted(every)
    }


def problem(status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as an answer.

    Args:
        status: The HTTP status.
        kind: A word for programs.
        detail: A sentence for people.
        headers: Further headers.
    """
    body = Problem(type=kind, title=HTTPStatus(status).phrase, status=status, detail=detail)
    return Response(body.model_dump_json(), status, dict(headers or {}), MEDIA_TYPE)


def handle_problems(app: FastAPI) -> None:
    """Let an application answer every error with a `Problem`, and describe it once."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]

    @app.exception_handler(GondolaError)
    async def known(_: Request, error: GondolaError) -> Response:
        for kind, status, name in _STATUSES:
            if isinstance(error, kind):
                headers = {"Retry-After": _RETRY_SECONDS} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
                return problem(status, name, str(error), headers)
        logger.error("the API could not answer: {}", error)
        return problem(503, "unavailable", "the data can't be read now; see the server's log", {"Retry-After": "60"})

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        places = ("/".join(str(part) for part in one["loc"]) + ": " + one["msg"] for one in error.errors())
        return problem(422, "invalid", "; ".join(places))

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        name = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        return problem(error.status_code, name, str(error.detail), error.headers)

    @app.exception_handler(Exception)
    async def unknown(_: Request, error: Exception) -> Response:
        # The lines alone: values of variables, a key among them, have no place in a log.
        logger.error("the API failed:\n{}", "".join(traceback.format_exception(error)))
        return problem(500, "internal", "a mistake of ours; the server's log says more")
