"""`gondola dashboard` as people start it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from gondola.serving.dashboard.server import server_command
from tests.platform import Platform


def test_it_has_help_with_an_example(tmp_path: Path) -> None:
    done = Platform(tmp_path).command("dashboard", "--help")
    assert done.code == 0
    assert "Example: gondola dashboard" in " ".join(done.out.split())


def test_a_wrong_setting_is_said_at_once_not_on_every_page(tmp_path: Path) -> None:
    done = Platform(tmp_path).command("dashboard", GONDOLA_WAREHOSE="x")
    assert done.code == 2
    assert "warehouse" in done.err


def test_only_names_of_this_machine_are_answered(dashboard: str) -> None:
    """All data goes through one WebSocket, so its handshake is what counts."""
    port = int(dashboard.rsplit(":", maxsplit=1)[1])

    def handshake(host: str) -> str:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
            lines = [
                "GET /_stcore/stream HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ]  # fmt: skip
            wire.sendall("\r\n".join([*lines, "", ""]).encode())
            return wire.recv(100).decode(errors="replace").split(" ")[1]

    assert handshake(f"127.0.0.1:{port}") == handshake(f"localhost:{port}") == "101"
    assert handshake("evil.example") == "403"


def test_nothing_is_told_to_others() -> None:
    options = dict(word.removeprefix("--").split("=", 1) for word in server_command("127.0.0.1", 8501) if "=" in word)
    assert options["browser.gatherUsageStats"] == "false"
    assert options["client.showErrorDetails"] == "none"
    assert options["server.address"] == "127.0.0.1"
    assert len(json.loads(options["theme.chartCategoricalColors"])) == 8
