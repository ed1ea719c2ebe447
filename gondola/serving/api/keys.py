"""API keys: made once, shown once, kept as hashes in a YAML file that may be edited by hand."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import Field

from gondola import clock
from gondola.errors import ConfigurationError, UnknownNameError
from gondola.yaml_files import Strict, load_yaml

__all__ = ["ApiKey", "Keyring", "Scope", "create_key", "read_keys", "revoke_key"]

_PREFIX = "gondola"
_HEAD = "# API keys of Gondola, as hashes: `gondola api-key create` adds one, `gondola api-key revoke` removes one.\n"


class Scope(StrEnum):
    """What a key may ask for."""

    MARKET = "market"
    EVENTS = "events"
    OPERATIONS = "operations"
    SQL = "sql"


class ApiKey(Strict):
    """One key, without its secret."""

    id: str = Field(pattern=r"^[0-9a-f]{8}$")
    name: str = Field(min_length=1, max_length=100)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")  # the secret has 256 bits of its own, so a plain hash will do
    scopes: tuple[Scope, ...] = (Scope.MARKET,)
    requests_per_minute: int = Field(default=120, ge=1, le=100_000)
    expires: date | None = None  # the first day on which it no longer works

    @property
    def is_expired(self) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and clock.today() >= self.expires


class _KeyFile(Strict):
    keys: tuple[ApiKey, ...] = ()


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """The keys of a file; none when there is no file.

    Raises:
        ConfigurationError: The file can't be used.
    """
    if not path.exists():
        return ()
    keys = load_yaml(path, _KeyFile, what="API keys", setting="GONDOLA_API_KEYS_FILE").keys
    if len({key.id for key in keys}) < len(keys):
        message = f"API keys {path}: two keys have the same id"
        raise ConfigurationError(message)
    return keys


def create_key(
    path: Path,
    name: str,
    *,
    scopes: Sequence[Scope] = (Scope.MARKET,),
    requests_per_minute: int = 120,
    expires: date | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and add its hash to the file.

    Args:
        path: The file; it is made when there is none.
        name: Who uses it.
        scopes: What it may ask for.
        requests_per_minute: How often.
        expires: The first day on which it no longer works.

    Returns:
        The key as kept, and the text its user sends, which nobody can tell again.

    Raises:
        ConfigurationError: The file can't be used.
    """
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        id=secrets.token_hex(4),
        name=name,
        sha256=_hash(secret),
        scopes=tuple(dict.fromkeys(scopes)),
        requests_per_minute=requests_per_minute,
        expires=expires,
    )
    with _alone(path):
        _write(path, (*read_keys(path), key))
    return key, f"{_PREFIX}_{key.id}_{secret}"


def revoke_key(path: Path, key_id: str) -> ApiKey:
    """Remove a key from the file; a running API notices at its next request.

    Raises:
        UnknownNameError: There is no such key.
        ConfigurationError: The file can't be used.
    """
    with _alone(path):
        keys = read_keys(path)
        found = next((key for key in keys if key.id == key_id), None)
        if found is None:
            message = f"no API key {key_id!r} in {path}; known: {', '.join(key.id for key in keys) or 'none'}"
            raise UnknownNameError(message)
        _write(path, tuple(key for key in keys if key.id != key_id))
    return found


class Keyring:
    """The keys of a file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._keys: dict[str, ApiKey] = {}

    def find(self, presented: str) -> ApiKey | None:
        """The key whose text this is; None when there is none, or it is over.

        Raises:
            ConfigurationError: The file can't be used; no key is valid until it can.
        """
        prefix, _, rest = presented.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self.keys().get(key_id)
        # A hash is compared also when no key has this id, so that time tells nothing.
        is_right = hmac.compare_digest(_hash(secret), key.sha256 if key else "0" * 64)
        return key if key and is_right and prefix == _PREFIX and not key.is_expired else None

    def keys(self) -> dict[str, ApiKey]:
        """The keys there are now, by id.

        Raises:
            ConfigurationError: The file can't be used.
        """
        with self._lock:
            try:
                status = self._path.stat()
                state = (status.st_mtime_ns, status.st_ino)
            except FileNotFoundError:
                state = (0, 0)
            if state != self._seen:
                self._keys = {}
                self._keys = {key.id: key for key in read_keys(self._path)}
                self._seen = state
            return self._keys


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, keys: tuple[ApiKey, ...]) -> None:
    document = {"keys": [key.model_dump(mode="json", exclude_none=True) for key in keys]}
    partial = path.with_name(f".{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
