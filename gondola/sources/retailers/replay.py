"""A day's answers as one JSON document, and back: what a retailer said can be read again without asking it.

A body that is UTF-8 stands in the document as text, which gives the same bytes back; any other as base64.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import date, datetime
from typing import Any

from gondola.errors import DataContractError
from gondola.sources.retailers.base import DayFetch, Page

__all__ = ["DOCUMENT_VERSION", "from_document", "to_document"]

DOCUMENT_VERSION = 1


def to_document(fetch: DayFetch, *, run_id: str) -> bytes:
    """A fetch as JSON on one line, as engines that read JSON want it.

    Args:
        fetch: The fetch.
        run_id: The run it belongs to.
    """
    document = {
        "version": DOCUMENT_VERSION,
        "retailer": fetch.retailer,
        "business_date": fetch.day.isoformat(),
        "run_id": run_id,
        "status": fetch.status,
        "error": fetch.error,
        "started_at": fetch.started_at.isoformat(),
        "finished_at": fetch.finished_at.isoformat() if fetch.finished_at else None,
        "pages": [_page(page) for page in fetch.pages],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def from_document(data: bytes) -> DayFetch:
    """The fetch in a document.

    Raises:
        DataContractError: It is no such document, or a body is not what it was.
    """
    try:
        document = json.loads(data)
        if document["version"] != DOCUMENT_VERSION:
            message = f"it has version {document['version']}"
            raise ValueError(message)  # noqa: TRY301
        finished = document["finished_at"]
        return DayFetch(
            document["retailer"],
            date.fromisoformat(document["business_date"]),
            datetime.fromisoformat(document["started_at"]),
            document["status"],
            document["error"],
            finished_at=datetime.fromisoformat(finished) if finished else None,
            pages=[_page_of(page) for page in document["pages"]],
        )
    except (KeyError, TypeError, ValueError) as error:
        message = f"no document of a retailer's day that can be read: {error}"
        raise DataContractError(message) from error


def _page(page: Page) -> dict[str, Any]:
    try:
        encoding, body = "utf-8", page.body.decode("utf-8")
    except UnicodeDecodeError:
        encoding, body = "base64", base64.b64encode(page.body).decode()
    return {
        "path": page.path,
        "received_at": page.received_at.isoformat(),
        "headers": dict(page.headers),
        "sha256": hashlib.sha256(page.body).hexdigest(),
        "encoding": encoding,
        "body": body,
    }


def _page_of(page: dict[str, Any]) -> Page:
    body = base64.b64decode(page["body"]) if page["encoding"] == "base64" else page["body"].encode("utf-8")
    if hashlib.sha256(body).hexdigest() != page["sha256"]:
        message = f"the body of {page['path']} has changed"
        raise ValueError(message)
    return Page(page["path"], datetime.fromisoformat(page["received_at"]), page["headers"], body)
