"""Who may ask what, and how often; and the record of who asked."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Annotated, Any

from fastapi import HTTPException, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from gondola import clock
from gondola.errors import ConfigurationError
from gondola.serving.api.keys import ApiKey, Keyring, Scope

__all__ = ["AUDIT_FILE", "AuditLog", "Guard", "RateLimiter"]

AUDIT_FILE = "api_access.jsonl"
_MINUTE = 60.0
# Of the module, since FastAPI looks names of annotations up there.
_BEARER = HTTPBearer(auto_error=False, description="A key of `gondola api-key create`.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key in a header of its own.")
_LONGEST = 2000  # characters of a query or statement that are kept


@dataclass
class RateLimiter:
    """A bucket for each key, that holds a minute's requests and fills evenly; of this process."""

    now: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: ApiKey) -> float:
        """Take one request.

        Returns:
            0 when there was one, else the seconds until there is.
        """
        rate = key.requests_per_minute / _MINUTE
        with self._lock:
            now = self.now()
            left, since = self._buckets.get(key.id, (float(key.requests_per_minute), now))
            left = min(left + (now - since) * rate, key.requests_per_minute)
            if left < 1:
                self._buckets[key.id] = (left, now)
                return (1 - left) / rate
            self._buckets[key.id] = (left - 1, now)
            return 0.0


class Guard:
    """Lets requests through that carry a key with the right scope; without a keyring, all."""

    def __init__(self, keyring: Keyring | None, limiter: RateLimiter | None = None) -> None:
        self._keyring = keyring
        self._limiter = limiter or RateLimiter()

    def needs(self, scope: Scope) -> list[Any]:
        """The dependencies of routes that want a scope.

        Args:
            scope: The scope.
        """
        if self._keyring is None:
            return []

        def check(
            request: Request,
            token: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
            plain: Annotated[str | None, Security(_HEADER)],
        ) -> None:
            self._check(request, token.credentials if token else plain, scope)

        return [Security(check)]

    def _check(self, request: Request, presented: str | None, scope: Scope) -> None:
        assert self._keyring is not None  # noqa: S101 - for the type checker
        challenge = {"WWW-Authenticate": "Bearer"}
        if not presented:
            raise HTTPException(401, "send a key: Authorization: Bearer gondola_…", challenge)
        try:
            key = self._keyring.find(presented)
        except ConfigurationError as error:
            raise HTTPException(503, "the server's key file can't be read", {"Retry-After": "60"}) from error
        if key is None:
            raise HTTPException(401, "this key is unknown, revoked or over", challenge)
        request.state.key = key
        if scope not in key.scopes:
            raise HTTPException(403, f"this key lacks the scope {scope.value!r}")
        wait = self._limiter.take(key)
        if wait:
            headers = {"Retry-After": str(int(wait) + 1)}
            raise HTTPException(429, f"more than {key.requests_per_minute} requests a minute; wait", headers)


class AuditLog:
    """Writes a JSON line for each request: who asked what, and what became of it; never a key.

    Args:
        app: The application.
        folder: Where the file is; it is rotated at 10 MB, ten times.
    """

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app = app
        folder.mkdir(parents=True, exist_ok=True)
        self._handler = RotatingFileHandler(
            folder / AUDIT_FILE, maxBytes=10_000_000, backupCount=10, encoding="utf-8", delay=True
        )

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer, and write down what was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        seen = {"status": 500, "bytes": 0}

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            elif message["type"] == "http.response.body":
                seen["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._write(scope, seen, time.perf_counter() - began)

    def _write(self, scope: AsgiScope, seen: dict[str, int], seconds: float) -> None:
        state = scope.get("state", {})
        key: ApiKey | None = state.get("key")
        line = {
            "at": clock.now().isoformat(),
            "client": (scope.get("client") or ("",))[0],
            "key": key.id if key else None,
            "name": key.name if key else None,
            "method": scope["method"],
            "path": scope["path"][:_LONGEST],
            # Only parameters that a route knows: a key put into the address by mistake is not one.
            "query": {name: str(value)[:_LONGEST] for name, value in state.get("asked", {}).items()},
            **seen,
            "seconds": round(seconds, 4),
        }
        text = json.dumps(line, ensure_ascii=False, default=str)
        self._handler.handle(logging.makeLogRecord({"msg": text}))
