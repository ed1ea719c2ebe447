"""How Streamlit is started; its script lies here, as it takes a folder `pages` beside a script for pages of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

__all__ = ["LOOPBACK", "server_command"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_APP = Path(__file__).with_name("app.py")
_PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f")
# What Streamlit would do otherwise: report usage to its makers, watch files, show tracebacks and links to the web.
_OPTIONS = {
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.toolbarMode": "viewer",
    "server.fileWatcherType": "none",
    "server.headless": "true",
    "server.maxCacheDataSize": "256mb",
    "theme.chartCategoricalColors": json.dumps(_PALETTE),
    "theme.paddingTop": "3.5rem",
    "theme.light.primaryColor": "#0b6e4f",
    # Captions are a faded text colour: of a darker one they can be read by weak eyes.
    "theme.light.textColor": "#06090c",
    "theme.dark.primaryColor": "#4cc38a",
}


def server_command(host: str, port: int) -> list[str]:
    """The command that serves the dashboard until it is ended; settings are read from the environment.

    Args:
        host: Address to listen on.
        port: Port to listen on.
    """
    options = _OPTIONS | {"server.address": host, "server.port": str(port)}
    names: list[str] = []
    if host in LOOPBACK:
        # A page from elsewhere whose name was pointed at this machine must not read the data.
        names = [f"--server.allowedHosts={name}" for name in LOOPBACK]
    given = [f"--{key}={value}" for key, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(_APP), *given, *names]
