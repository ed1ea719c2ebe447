"""Answers as HTTP: the form that was asked for, the version as ETag, and where the next page is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Query, Request, Response, params
from fastapi.dependencies.utils import get_flat_params
from pydantic import BaseModel, BeforeValidator, Field

from gondola.serving.api.problems import problems
from gondola.serving.query import encode
from gondola.serving.reads import Answer, Page, PublishedCopies, Snapshot

__all__ = ["Envelope", "Form", "IsoDay", "Pages", "Whole", "described", "encoded", "known_parameters"]

_MOST_ROWS = 10_000
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _only_iso(value: object) -> object:
    """Pydantic alone takes a number for seconds since 1970."""
    if isinstance(value, str) and not _ISO_DAY.fullmatch(value):
        message = "a day is written as in 2026-02-05"
        raise ValueError(message)
    return value


IsoDay = Annotated[date, BeforeValidator(_only_iso)]
"""A day in a request."""


class Form(StrEnum):
    """Forms of an answer."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


_MEDIA_TYPES = {
    Form.JSON: "application/json",
    Form.CSV: "text/csv; charset=utf-8",
    Form.PARQUET: "application/vnd.apache.parquet",
}


class CoverageModel(BaseModel):
    """How much of the day was seen, over the store-regions the question is about."""

    day: date | None
    status: str
    share: Decimal | None = Field(description="Received of declared products; null when not known.")
    shelves: int
    complete: list[str]
    partial: list[str]
    missing: list[str] = Field(description="Store-regions without a run that could be used.")
    received_products: int
    declared_products: int | None


class Envelope(BaseModel):
    """Rows, and what one must know to read them. Decimals are text, so that money stays exact."""

    data: list[dict[str, Any]]
    version: str = Field(description="The published copy that the answer comes from.")
    published_at: datetime | None
    as_of: date | None = Field(description="The day the rows speak of.")
    coverage: CoverageModel | None
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")
    notes: list[str]


def described(example: dict[str, Any], *statuses: int) -> dict[str, Any]:
    """What the documentation says of a route that answers with rows.

    Args:
        example: One row.
        *statuses: Errors besides those that every route has.
    """
    envelope = {
        "data": [example],
        "version": "20260205T091502000000Z",
        "published_at": "2026-02-05T09:15:02Z",
        "as_of": "2026-02-05",
        "coverage": {
            "day": "2026-02-05",
            "status": "complete",
            "share": "0.9981",
            "shelves": 1,
            "complete": ["bistek/florianopolis_costeira"],
            "partial": [],
            "missing": [],
            "received_products": 14970,
            "declared_products": 14998,
        },
        "next_cursor": None,
        "notes": [],
    }
    content: dict[str, Any] = {_MEDIA_TYPES[Form.JSON]: {"example": envelope}}
    content["text/csv"] = {"schema": {"type": "string"}}
    content[_MEDIA_TYPES[Form.PARQUET]] = {"schema": {"type": "string", "format": "binary"}}
    responses = problems(406, *statuses)
    responses[200] = {"model": Envelope, "content": content}
    responses[304] = {"description": "Nothing has changed since the ETag given as If-None-Match."}
    return {"responses": responses}


def known_parameters(request: Request) -> None:
    """Refuse parameters that no one would act on, and note the others for the record of access."""
    fields = get_flat_params(request.scope["route"].dependant)
    known = {field.alias for field in fields if isinstance(field.field_info, params.Query)}
    request.state.asked = {name: value for name, value in request.query_params.multi_items() if name in known}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        message = f"unknown parameter {', '.join(unknown)[:200]}; known: {', '.join(sorted(known)) or 'none'}"
        raise HTTPException(422, message)


def _form(
    wanted: Annotated[Form | None, Query(alias="format", description="Form of the answer; before `Accept`.")] = None,
    accept: Annotated[str | None, Header(description="Forms that are taken.")] = None,
) -> Form:
    if wanted is not None:
        return wanted
    ranges = [part.split(";") for part in (accept or "*/*").split(",")]
    ordered = sorted(ranges, key=lambda parts: -_quality(parts[1:]))
    for name, *parameters in ordered:
        if not _quality(parameters):
            continue
        for form, media_type in _MEDIA_TYPES.items():
            plain = media_type.split(";")[0]
            if name.strip().lower() in {plain, plain.split("/")[0] + "/*", "*/*"}:
                return form
    message = f"none of the accepted forms is served; there are: {', '.join(_MEDIA_TYPES.values())}"
    raise HTTPException(406, message)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


class Whole:
    """Answers a request from one snapshot, with all rows."""

    def __init__(self, request: Request, form: Annotated[Form, Depends(_form)]) -> None:
        self._request = request
        self._form = form
        self.page: Page | None = None

    def __call__(self, ask: Callable[[Snapshot], Answer]) -> Response:
        """Answer, unless the client has this answer already.

        Args:
            ask: Asks the snapshot.
        """
        copies: PublishedCopies = self._request.app.state.copies
        with copies.snapshot(self.page.version if self.page else None) as snapshot:
            tag = self._tag(snapshot)
            headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, X-API-Key"}
            if _matches(self._request.headers.get("If-None-Match"), tag):
                return Response(status_code=304, headers=headers)
            answer = ask(snapshot)
        return encoded(answer, self._form, self._request, headers)

    def _tag(self, snapshot: Snapshot) -> str:
        # A version never changes, so what is asked of it and in which form is all that an answer depends on.
        asked = json.dumps([self._request.url.path, sorted(self._request.query_params.multi_items()), self._form])
        digest = hashlib.sha256(f"{self._request.app.version}:{asked}".encode("utf-8", "surrogatepass")).hexdigest()
        return f'"{snapshot.version.name}-{digest[:16]}"'


class Pages(Whole):
    """Answers a request a page at a time; all pages come from the version of the first."""

    def __init__(
        self,
        request: Request,
        form: Annotated[Form, Depends(_form)],
        limit: Annotated[int, Query(ge=1, le=_MOST_ROWS, description="Rows of a page.")] = 50,
        cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=500)] = None,
    ) -> None:
        super().__init__(request, form)
        self.page = Page(limit, cursor)


def encoded(answer: Answer, form: Form, request: Request, headers: dict[str, str]) -> Response:
    """Rows in the form that was asked for; what JSON says beside them is in headers otherwise.

    Args:
        answer: The rows.
        form: The form.
        request: What was asked, for the address of the next page.
        headers: Further headers.
    """
    headers["X-Data-Version"] = answer.version.name
    if answer.next_cursor:
        headers["X-Next-Cursor"] = answer.next_cursor
        headers["Link"] = f'<{request.url.include_query_params(cursor=answer.next_cursor)}>; rel="next"'
    if answer.coverage:
        headers["X-Coverage"] = answer.coverage.status
        headers["X-As-Of"] = str(answer.coverage.day or "")
    if form is not Form.JSON:
        return Response(encode(answer.rows, form.value), headers=headers, media_type=_MEDIA_TYPES[form])
    coverage = answer.coverage
    document = {
        "data": answer.rows.to_pylist(),
        "version": answer.version.name,
        "published_at": published.isoformat() if (published := answer.version.published_at) else None,
        "as_of": answer.as_of,
        "coverage": asdict(coverage) | {"status": coverage.status, "share": coverage.share} if coverage else None,
        "next_cursor": answer.next_cursor,
        "notes": answer.notes,
    }
    text = json.dumps(document, default=_plain, ensure_ascii=False, allow_nan=False)
    return Response(text, headers=headers, media_type=_MEDIA_TYPES[form])


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _matches(header: str | None, tag: str) -> bool:
    if header is None:
        return False
    tags = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in tags or tag in tags
