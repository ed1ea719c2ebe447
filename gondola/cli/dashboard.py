"""`gondola dashboard`: the pages in a browser, until interrupted."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Annotated

import typer

from gondola.cli import display
from gondola.errors import ConfigurationError
from gondola.settings import get_settings

__all__ = ["dashboard"]


def dashboard(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
) -> None:
    """Show the published data in a browser: prices, stores, events, operations. Offline; until interrupted."""
    if importlib.util.find_spec("streamlit") is None:
        message = "the dashboard needs Streamlit, which workers do without: pip install 'gondola[dashboard]'"
        raise ConfigurationError(message)
    from gondola.serving.dashboard.server import LOOPBACK, server_command

    get_settings()  # a wrong setting is said here, not on every page
    shown = f"[{host}]" if ":" in host else host
    display.console.print(f"Dashboard: http://{shown}:{port}  (end it with Ctrl+C)", highlight=False)
    if host not in LOOPBACK:
        display.console.print("Anybody who reaches this address reads the data: put a login in front.", highlight=False)
    sys.stderr.flush()
    os.environ["LOGURU_DIAGNOSE"] = "NO"  # a traceback must never print the values of variables
    command = server_command(host, port)
    os.execv(command[0], command)  # noqa: S606 - becomes the server, so that signals reach it and nothing is left behind
