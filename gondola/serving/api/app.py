"""The application: routers are made for given settings and brought together here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from gondola.serving.api.access import AuditLog, Guard
from gondola.serving.api.events import events_router
from gondola.serving.api.keys import Keyring
from gondola.serving.api.market import market_router
from gondola.serving.api.operations import health_router, operations_router
from gondola.serving.api.problems import handle_problems
from gondola.serving.api.sql import sql_router
from gondola.serving.reads import PublishedCopies
from gondola.settings import Settings

__all__ = ["create_app"]

_DESCRIPTION = """
What every shelf charges. Every answer comes from one published version of the data, says which (`version`, `ETag`), for
which day (`as_of`) and how much of that day was seen (`coverage`). Long answers come in pages; all pages of an answer
come from one version, also when new data is published meanwhile. Prices are in BRL per measurement unit, decimals are
text. `format` or `Accept` ask for JSON, CSV or Parquet.
"""
_TIME_LIMIT = timedelta(seconds=30)


def create_app(settings: Settings, *, keyring: Keyring | None = None, allow_sql: bool = False) -> FastAPI:
    """Make the application; a further part of the API is a further router here.

    Args:
        settings: Name the lake and the warehouse it answers from.
        keyring: The keys it takes; without it every request is answered, and only from this machine.
        allow_sql: Whether SQL of users is answered.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.copies.close()

    app = FastAPI(
        title="Gondola", version="1.0.0", description=_DESCRIPTION, docs_url="/docs", redoc_url=None, lifespan=lifespan
    )
    app.state.copies = PublishedCopies(settings, time_limit=_TIME_LIMIT)
    guard = Guard(keyring)
    app.include_router(health_router(settings))
    app.include_router(operations_router(settings, guard))
    app.include_router(market_router(guard))
    app.include_router(events_router(guard))
    if allow_sql:
        app.include_router(sql_router(settings, guard))
    handle_problems(app)
    if keyring is None:
        # A page of another site that resolves its name to this machine must not read from here.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]", "testserver"])
    app.add_middleware(AuditLog, folder=settings.logs)
    return app
