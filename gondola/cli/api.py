"""`gondola api`: the HTTP API, until interrupted."""

from __future__ import annotations

from typing import Annotated

import typer

from gondola.logs import configure_logs
from gondola.settings import get_settings

__all__ = ["api"]


def api(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8600,
) -> None:
    """Serve /healthz and /metrics, until interrupted."""
    import uvicorn

    from gondola.serving.api import create_app

    configure_logs(get_settings())
    uvicorn.run(create_app(get_settings()), host=host, port=port, log_level="warning")
