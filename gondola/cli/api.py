"""`gondola api` and `gondola api-key`: the HTTP API, until interrupted, and who may use it."""

from __future__ import annotations

import json
from datetime import datetime
from ipaddress import ip_address
from typing import Annotated

import typer

from gondola.cli import display
from gondola.errors import ConfigurationError
from gondola.logs import configure_logs
from gondola.serving.api.keys import Scope
from gondola.settings import get_settings

__all__ = ["api", "api_key_app"]

api_key_app = typer.Typer(no_args_is_help=True, help="Who may use the API.")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def api(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8600,
    require_keys: Annotated[
        bool, typer.Option("--require-keys", help="Ask for keys on this machine, too, as behind a proxy.")
    ] = False,
    allow_sql: Annotated[
        bool, typer.Option("--allow-sql", help="Answer SQL, read-only and bounded, for keys with the scope sql.")
    ] = False,
) -> None:
    """Serve prices, events, runs and status over HTTP, until interrupted; /docs describes it."""
    import uvicorn

    from gondola.serving.api import create_app
    from gondola.serving.api.keys import Keyring

    settings = get_settings()
    configure_logs(settings)
    keyring = None
    if require_keys or not _is_this_machine(host):
        keyring = Keyring(settings.api_keys_file)
        if all(key.is_expired for key in keyring.keys().values()):
            message = (
                f"{host} lets other machines in, which need keys, and {settings.api_keys_file} holds none that works: "
                "`gondola api-key create NAME` makes one"
            )
            raise ConfigurationError(message)
    app = create_app(settings, keyring=keyring, allow_sql=allow_sql)
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False  # a name that may lead anywhere


@api_key_app.command("create", epilog="Example: gondola api-key create metabase --scope market --scope events")
def create(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may ask for; market by default.")] = None,
    requests_per_minute: Annotated[int, typer.Option(min=1, max=100_000, help="How often it may ask.")] = 120,
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day on which it no longer works.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it this once; only its hash is kept."""
    from gondola.serving.api.keys import create_key

    path = get_settings().api_keys_file
    key, text = create_key(
        path,
        name,
        scopes=scope or [Scope.MARKET],
        requests_per_minute=requests_per_minute,
        expires=expires.date() if expires else None,
    )
    if as_json:
        display.print_document(json.dumps({"id": key.id, "name": key.name, "key": text, "file": str(path)}))
        return
    display.print_document(text)
    display.console.print(f"Key {key.id} for {key.name}; it can't be shown again. Its hash is in {path}.", markup=False)


@api_key_app.command("list", epilog="Example: gondola api-key list --json")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    from gondola.serving.api.keys import read_keys

    keys = read_keys(get_settings().api_keys_file)
    if as_json:
        display.print_document(json.dumps([key.model_dump(mode="json", exclude={"sha256"}) for key in keys], indent=2))
        return
    rows = [
        (
            key.id,
            key.name,
            " ".join(key.scopes),
            key.requests_per_minute,
            key.expires,
            "no" if key.is_expired else "yes",
        )
        for key in keys
    ]
    display.output.print(display.rows_table(("id", "name", "scopes", "a minute", "expires", "works"), rows))


@api_key_app.command("revoke", epilog="Example: gondola api-key revoke 1f0c9a7e")
def revoke(key_id: Annotated[str, typer.Argument(help="Its id, as `api-key list` shows it.")]) -> None:
    """Remove a key; a running API stops taking it at once."""
    from gondola.serving.api.keys import revoke_key

    key = revoke_key(get_settings().api_keys_file, key_id)
    display.console.print(f"Key {key.id} of {key.name} is revoked.", markup=False)
