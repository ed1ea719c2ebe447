"""The lake: keys and bytes behind one URI, the same on a folder, S3, Azure Blob and in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, Self, cast
from urllib.parse import urlsplit

import fsspec

from gondola.errors import ConfigurationError, GondolaError, LakeConflictError, LakeKeyError, LakeUnavailableError
from storage import _local
from storage.credentials import redact

__all__ = ["Entry", "Lake", "normalise_uri"]

_AZURE_ALIASES = ("abfs", "abfss", "azure")
_GLOB = frozenset("*?[]")
_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_PART_BYTES = 16 << 20  # parts of a large upload that are in memory at once: this times _PARTS
_PARTS = 2
_READ_BYTES = 4 << 20
_MODIFIED = ("LastModified", "last_modified", "created")
_REFUSALS = {"ClientAuthenticationError", "NoCredentialsError", "PartialCredentialsError", "PermissionError"}
_LONGEST_REASON = 300
_CHECK_ACCESS = {
    "file": "the owner and mode of this folder",
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights on this bucket",
    "az": "AZURE_STORAGE_CONNECTION_STRING (or AZURE_STORAGE_ACCOUNT_NAME with its key or SAS token) and its rights",
    "memory": "this process",
}
_CHECK_SERVER = {
    "file": "that its disk is there and has room",
    "s3": "the network, AWS_ENDPOINT_URL and AWS_REGION",
    "az": "the network and the endpoint in AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT_NAME",
    "memory": "this process",
}


@dataclass(frozen=True, order=True)
class Entry:
    """One object of a listing."""

    key: str
    size: int
    modified: datetime


def normalise_uri(uri: str) -> str:
    """The one spelling of a lake's URI: an absolute path, `s3://…`, `az://…` or `memory://…`.

    Raises:
        ConfigurationError: The scheme is unknown, or the URI holds credentials or options.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return str(Path(uri).expanduser().resolve())
    if scheme == "file":
        return str(Path("/" + rest.lstrip("/")))
    scheme = "az" if scheme in _AZURE_ALIASES else scheme
    parts = urlsplit(f"{scheme}://{rest}")
    if scheme not in {"s3", "az", "memory"}:
        message = f"a lake can't be on {scheme}://; use a folder, s3://bucket/prefix or az://container/prefix"
        raise ConfigurationError(message)
    if "@" in parts.netloc or parts.query or parts.fragment or not parts.netloc:
        # Not echoed: what stands there may be a secret.
        message = (
            f"a lake's URI is {scheme}://name/prefix and nothing more; accounts, keys and endpoints come from "
            "the variables AWS_* and AZURE_STORAGE_*"
        )
        raise ConfigurationError(message)
    _check_key(parts.path.strip("/") or "root")
    return f"{scheme}://{rest.strip('/')}"


class Lake:
    """Objects by key. Every write is one put: an object is there whole, or it is not there.

    Keys are relative POSIX paths. The methods block; from asyncio call them with `asyncio.to_thread`.
    One lake may be used by many threads.
    """

    def __init__(self, uri: str, filesystem: Any, root: str) -> None:
        """Use `Lake.open`.

        Args:
            uri: The lake in its one spelling.
            filesystem: Its fsspec filesystem.
            root: The folder in it that keys are relative to.
        """
        self.uri = uri
        self.is_local = "://" not in uri
        self._filesystem = filesystem
        self._root = root

    @classmethod
    def open(cls, uri: str) -> Self:
        """Open a lake; nothing is asked of its server yet.

        Args:
            uri: A folder, `s3://bucket/prefix`, `az://container/prefix` (also `abfs://`, `abfss://`) or `memory://name`.

        Raises:
            ConfigurationError: The URI can't be used, or the cloud's variables are incomplete.
        """
        uri = normalise_uri(uri)
        # fsspec's listing cache never expires and hides what other processes write or delete.
        options: dict[str, Any] = {"use_listings_cache": False}
        if uri.startswith("s3://"):
            options["config_kwargs"] = {
                "connect_timeout": _CONNECT_SECONDS,
                "read_timeout": _READ_SECONDS,
                "retries": {"mode": "standard", "max_attempts": 3},
            }
        elif uri.startswith("az://"):
            options |= {"connection_timeout": _CONNECT_SECONDS, "read_timeout": _READ_SECONDS}
        try:
            filesystem, root = fsspec.url_to_fs(uri, **options)
        except ValueError as error:
            message = f"{uri}: {redact(error)}; check AZURE_STORAGE_CONNECTION_STRING and its kin"
            raise ConfigurationError(message) from None
        if uri.startswith("az://"):
            _shorten_azure_waits(filesystem)
        return cls(uri, filesystem, root.rstrip("/"))

    def __repr__(self) -> str:
        return f"Lake({self.uri!r})"

    def url(self, key: str) -> str:
        """What DuckDB reads: an absolute path, `s3://…`, `az://…` or `memory://…`.

        Args:
            key: A key, or a glob pattern such as `bronze/market/**/*.parquet`.
        """
        return f"{self.uri.rstrip('/')}/{_check_key(key, glob=True)}"

    def put(self, key: str, data: bytes, *, new: bool = False) -> None:
        """Store an object.

        Args:
            key: Its key.
            data: Its content.
            new: Refuse to replace an object; of several writers at once, one succeeds.

        Raises:
            LakeConflictError: `new`, and the object exists.
        """
        path = self._path(key)
        with self._errors(key):
            if self.is_local:
                _local.write(Path(path), data, new=new)
            else:
                self._filesystem.pipe_file(path, data, mode="create" if new else "overwrite")

    def put_file(self, key: str, path: Path, *, new: bool = False) -> None:
        """Store a local file as an object, without holding it in memory.

        Args:
            key: The object's key.
            path: The file; it is left as it is.
            new: Refuse to replace an object; of several writers at once, one succeeds.

        Raises:
            LakeConflictError: `new`, and the object exists.
            FileNotFoundError: There is no such local file.
        """
        target = self._path(key)
        mode = "create" if new else "overwrite"
        if not path.exists():
            raise FileNotFoundError(path)
        with self._errors(key):
            if self.is_local:
                with path.open("rb") as stream:
                    _local.write(Path(target), stream, new=new)
            elif self.uri.startswith("memory://"):
                self._filesystem.pipe_file(target, path.read_bytes(), mode=mode)
            else:
                options = {"chunksize": _PART_BYTES} if self.uri.startswith("s3://") else {}
                self._filesystem.put_file(str(path), target, mode=mode, max_concurrency=_PARTS, **options)

    def get(self, key: str) -> bytes:
        """The content of an object.

        Raises:
            LakeKeyError: There is no such object.
        """
        path = self._path(key)
        with self._errors(key):
            return cast("bytes", self._filesystem.cat_file(path))

    def open_file(self, key: str, **options: Any) -> IO[bytes]:
        """Open an object for reading in parts.

        Args:
            key: Its key.
            **options: How fsspec's client buffers what it reads.

        Raises:
            LakeKeyError: There is no such object.
        """
        path = self._path(key)
        with self._errors(key):
            if self.uri.startswith("memory://"):
                # The memory filesystem hands every reader the same file with the same position.
                return io.BytesIO(self._filesystem.cat_file(path))
            file = self._filesystem.open(path, "rb", **options)
            if getattr(file, "details", {}).get("type") == "directory":  # which an object store lets one open
                file.close()
                raise FileNotFoundError
            return cast("IO[bytes]", file)

    def read_parts(self, key: str) -> Iterator[bytes]:
        """The content of an object part by part, for what memory should not hold.

        Raises:
            LakeKeyError: There is no such object.
        """
        # A client's own read-ahead is 50 MB for each open object.
        options = {} if self.is_local else {"block_size": _READ_BYTES, "cache_type": "readahead"}
        with self._errors(key), self.open_file(key, **options) as file:
            while part := file.read(_READ_BYTES):
                yield part

    def exists(self, key: str) -> bool:
        """Whether there is an object of this key."""
        path = self._path(key)
        with self._errors(key), suppress(FileNotFoundError, NotADirectoryError):
            return bool(self._filesystem.info(path)["type"] == "file")
        return False

    def find(self, prefix: str = "", suffix: str = "") -> list[Entry]:
        """All objects below a folder, sorted by key.

        Args:
            prefix: A folder, in whole segments; empty for the whole lake.
            suffix: Only keys that end so, such as `.parquet`.
        """
        folder = self._path(prefix) if prefix else self._root
        with self._errors(prefix or "/"):
            entries = self._find_local(Path(folder)) if self.is_local else self._find_remote(folder)
            return sorted(entry for entry in entries if entry.key.endswith(suffix))

    def delete(self, key: str) -> None:
        """Delete an object; it is no error when there is none."""
        path = self._path(key)
        with self._errors(key), suppress(FileNotFoundError):
            self._filesystem.rm_file(path)

    def remove_leftovers(self) -> int:
        """Remove the unfinished files of writers that died a day ago or earlier; only a folder can have them.

        Returns:
            How many that were.
        """
        return _local.remove_leftovers(Path(self.uri)) if self.is_local else 0

    @contextmanager
    def native(self, key: str) -> Iterator[tuple[Any, str]]:
        """The filesystem and a key's path in it, for what one kind of storage alone can do; its errors become ours."""
        path = self._path(key)
        with self._errors(key):
            yield self._filesystem, path

    def _path(self, key: str) -> str:
        return f"{self._root}/{_check_key(key)}"

    def _find_local(self, folder: Path) -> Iterator[Entry]:
        for path, status in _local.walk(folder):
            modified = datetime.fromtimestamp(status.st_mtime, UTC)
            yield Entry(path.relative_to(self._root or "/").as_posix(), status.st_size, modified)

    def _find_remote(self, folder: str) -> Iterator[Entry]:
        inside = folder + "/"
        found = self._filesystem.find(folder, detail=True)
        if not found and self._bucket_is_missing():
            raise FileNotFoundError  # adlfs says that a container that does not exist is empty
        if isinstance(found, list):  # so adlfs answers for an object, below which nothing can be
            return
        for path, info in found.items():
            if info["type"] == "file" and path.startswith(inside) and not path.endswith("/"):
                modified = next(info[name] for name in _MODIFIED if name in info)
                if isinstance(modified, float):
                    modified = datetime.fromtimestamp(modified, UTC)
                yield Entry(path[len(self._root) + 1 :], int(info["size"]), modified.astimezone(UTC))

    def _bucket_is_missing(self) -> bool:
        return self._scheme in {"s3", "az"} and not self._filesystem.exists(self._root.partition("/")[0])

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except GondolaError:
            raise
        except FileNotFoundError as error:
            raise self._not_found(key) from error
        except FileExistsError as error:
            message = f"{self.uri}: {key} exists already and must not be replaced"
            raise LakeConflictError(message) from error
        except (IsADirectoryError, NotADirectoryError) as error:
            message = f"{self.uri}: {key} is a folder, or lies below a file"
            raise LakeKeyError(message) from error
        except Exception as error:
            if not isinstance(error, (OSError, *_client_errors(self.uri))):
                raise
            # Without its cause: a client's own message may show more than it should.
            raise self._failure(key, error) from None

    def _not_found(self, key: str) -> GondolaError:
        if self._bucket_is_missing():
            message = f"{self.uri}: there is no such bucket or container; create it, or correct GONDOLA_LAKE"
            return ConfigurationError(message)
        return LakeKeyError(f"{self.uri}: there is no object {key}")

    def _failure(self, key: str, error: Exception) -> GondolaError:
        if getattr(error, "status_code", None) == HTTPStatus.NOT_FOUND:
            return self._not_found(key)
        reason = redact(error).strip().split("\n", 1)[0][:_LONGEST_REASON]
        where = f"{self.uri}: {key}: {type(error).__name__}: {reason}"
        if _is_refusal(error):
            return ConfigurationError(f"{where}; the storage refuses it: check {_CHECK_ACCESS[self._scheme]}")
        return LakeUnavailableError(f"{where}; check {_CHECK_SERVER[self._scheme]}")

    @property
    def _scheme(self) -> str:
        return self.uri.partition("://")[0] if not self.is_local else "file"


def _check_key(key: str, *, glob: bool = False) -> str:
    segments = key.split("/")
    if not key or any(segment in {"", ".", ".."} for segment in segments):
        message = f"{key!r} is no key: keys are relative, with '/' between segments that are not empty, '.' or '..'"
        raise LakeKeyError(message)
    if any(not character.isprintable() or character == "\\" for character in key):
        message = f"{key!r} is no key: a backslash or a control character is in it"
        raise LakeKeyError(message)
    if not glob and _GLOB.intersection(key):
        message = f"{key!r} is no key: *, ?, [ and ] have a meaning in patterns"
        raise LakeKeyError(message)
    if _local.is_leftover(segments[-1]):
        message = f"{key!r} is no key: names like this are those of unfinished files"
        raise LakeKeyError(message)
    return key


def _client_errors(uri: str) -> tuple[type[Exception], ...]:
    # Imported only where they can occur: each client takes half a second.
    if uri.startswith("s3://"):
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

        return (BotoCoreError, ClientError)
    if uri.startswith("az://"):
        from aiohttp import ClientError as HttpClientError
        from azure.core.exceptions import AzureError

        return (AzureError, HttpClientError)
    return ()


def _is_refusal(error: Exception) -> bool:
    refused = getattr(error, "status_code", None) in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return refused or any(kind.__name__ in _REFUSALS for kind in type(error).__mro__)


def _shorten_azure_waits(filesystem: Any) -> None:
    # The SDK waits 15 s before its first retry (47 s for two 503s) and adlfs has no option for it.
    policy = filesystem.service_client._config.retry_policy  # noqa: SLF001
    policy.initial_backoff = 0
    policy.increment_base = 1.4
    policy.random_jitter_range = 0.5
    policy.connect_retries = 2
