"""The application: routers are made for given settings and brought together here."""

from __future__ import annotations

from fastapi import FastAPI

from gondola.serving.api.operations import operations_router
from gondola.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings) -> FastAPI:
    """Make the application; a further part of the API is a further router here.

    Args:
        settings: Name the lake and the warehouse it answers from.
    """
    app = FastAPI(title="Gondola", description="What every shelf charges.", docs_url="/docs", redoc_url=None)
    app.include_router(operations_router(settings))
    return app
