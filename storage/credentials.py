"""What the clouds' own variables say, and how to keep it out of messages."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from gondola.errors import ConfigurationError

__all__ = ["azure_options", "redact", "s3_options"]

_SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_SAS_TOKEN",
)
_SHORTEST_SECRET = 4  # a shorter one would blank out ordinary words


def s3_options() -> dict[str, str | bool]:
    """Options of a DuckDB S3 secret, from `AWS_*`."""
    options: dict[str, str | bool] = {"REGION": _first("AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1"}
    for option, variable in (
        ("KEY_ID", "AWS_ACCESS_KEY_ID"),
        ("SECRET", "AWS_SECRET_ACCESS_KEY"),
        ("SESSION_TOKEN", "AWS_SESSION_TOKEN"),
    ):
        if value := os.environ.get(variable):
            options[option] = value
    if endpoint := _first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        parts = urlsplit(endpoint)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            message = "AWS_ENDPOINT_URL must look like https://host:port"
            raise ConfigurationError(message)
        # Servers other than AWS rarely have a host name for every bucket.
        options |= {
            "ENDPOINT": parts.netloc + parts.path.rstrip("/"),
            "USE_SSL": parts.scheme == "https",
            "URL_STYLE": "path",
        }
    return options


def azure_options() -> dict[str, str | bool]:
    """Options of a DuckDB Azure secret, from `AZURE_STORAGE_*`, in adlfs' order of precedence."""
    if connection_string := os.environ.get("AZURE_STORAGE_CONNECTION_STRING"):
        return {"CONNECTION_STRING": connection_string}
    account = os.environ.get("AZURE_STORAGE_ACCOUNT_NAME")
    if not account:
        message = (
            "the lake is on Azure, but no account is named: set AZURE_STORAGE_CONNECTION_STRING, or "
            "AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN"
        )
        raise ConfigurationError(message)
    if key := os.environ.get("AZURE_STORAGE_ACCOUNT_KEY"):
        text = f"DefaultEndpointsProtocol=https;AccountName={account};AccountKey={key};EndpointSuffix=core.windows.net"
        return {"CONNECTION_STRING": text}
    if token := os.environ.get("AZURE_STORAGE_SAS_TOKEN"):
        blob = f"https://{account}.blob.core.windows.net/"
        return {"CONNECTION_STRING": f"BlobEndpoint={blob};SharedAccessSignature={token.removeprefix('?')}"}
    return {"ACCOUNT_NAME": account}


def redact(text: object) -> str:
    """The text with every secret of the environment blanked out."""
    result = str(text)
    for secret in sorted(_secret_values(), key=len, reverse=True):
        result = result.replace(secret, "***")
    return result


def _secret_values() -> set[str]:
    values = {os.environ.get(name, "") for name in _SECRETS}
    for part in os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "").split(";"):
        name, _, value = part.partition("=")
        if name.strip() in {"AccountKey", "SharedAccessSignature"}:
            values.add(value)
    for token in list(values):
        values |= {value for name, value in parse_qsl(token.removeprefix("?")) if name == "sig"}
    # A client may show a secret as it stands in a URL.
    values |= {quote(value, safe="") for value in values} | {unquote(value) for value in values}
    return {value for value in values if len(value) >= _SHORTEST_SECRET}


def _first(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)
