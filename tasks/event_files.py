"""The files that a source of events has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gondola.errors import ConfigurationError
from gondola.sources.events import Kind, format_of_name
from storage.lake import Lake

__all__ = ["Source", "SourceFile", "open_source"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source."""

    key: str  # within the source
    kind: Kind


@dataclass(frozen=True, slots=True)
class Source:
    """A folder, bucket prefix or single file, and what is to be read of it."""

    lake: Lake
    files: tuple[SourceFile, ...]
    ignored: tuple[str, ...]  # files whose names begin right, but end in no known format


def open_source(uri: str) -> Source:
    """List the files of a source: those in folders, or of names, that begin with events, products or users.

    In a source whose own name begins so, the other files count too.

    Args:
        uri: A folder, `s3://bucket/prefix`, `az://container/prefix`, or one file of one of them. One file that is
            named holds events, unless its name says otherwise.

    Raises:
        ConfigurationError: The source can't be opened, or has no such file.
        LakeUnavailableError: Its server does not answer.
    """
    folder, _, name = uri.rstrip("/").rpartition("/")
    if format_of_name(name) and folder:
        lake = Lake.open(folder)
        if lake.exists(name):
            return Source(lake, (SourceFile(name, _kind(name) or Kind.EVENTS),), ())
    lake = Lake.open(uri)
    if lake.is_local and not Path(lake.uri).is_dir():
        message = f"{uri}: there is no such folder or file; correct --source or GONDOLA_EVENTS_SOURCE"
        raise ConfigurationError(message)
    files, ignored = [], []
    own = _kind(name)  # a source named events/ holds events
    for entry in lake.find():
        kind = _kind(entry.key) or own
        if kind is None or any(part.startswith((".", "_")) for part in entry.key.split("/")):
            continue
        if format_of_name(entry.key) is None:
            ignored.append(entry.key)
        else:
            files.append(SourceFile(entry.key, kind))
    if not files:
        message = (
            f"{uri}: no files to read there; they are in a folder events/ or named events*, products* or users*, "
            "and end in .jsonl, .ndjson, .json, .csv or .parquet, perhaps with .gz"
        )
        raise ConfigurationError(message)
    return Source(lake, tuple(files), tuple(ignored))


def _kind(key: str) -> Kind | None:
    first = key.split("/", 1)[0].lower()
    return next((kind for kind in Kind if first.startswith(kind.value)), None)
