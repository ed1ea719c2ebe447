"""The HTTP API: `create_app` makes it, `gondola api` serves it."""

from gondola.serving.api.app import create_app

__all__ = ["create_app"]
