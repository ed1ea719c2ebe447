"""Files of a local lake: they appear whole or not at all, also when the writer is killed."""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

__all__ = ["is_leftover", "remove_leftovers", "walk", "write"]

# The name must not end in .parquet: DuckDB's `*.parquet` matches names that begin with a dot.
_LEFTOVER = re.compile(r"\.[0-9a-f]{32}\.tmp")
_LEFTOVER_SECONDS = 24 * 3600


def is_leftover(name: str) -> bool:
    """Whether a file of this name is one that a writer has not finished."""
    return _LEFTOVER.fullmatch(name) is not None


def write(target: Path, source: bytes | IO[bytes], *, new: bool) -> None:
    """Write a file through a temporary one beside it.

    Args:
        target: The file to appear; its folders are made.
        source: What it will contain.
        new: Refuse to replace a file.

    Raises:
        FileExistsError: `new`, and the file exists.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as stream:
            if isinstance(source, bytes):
                stream.write(source)
            else:
                shutil.copyfileobj(source, stream, 1 << 20)
            stream.flush()
            os.fsync(stream.fileno())
        if new:
            os.link(temporary, target)  # the one call that makes a name only if it is free
        else:
            temporary.replace(target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name, too, must outlive a power cut: a run record may rely on it
    finally:
        os.close(folder)


def remove_leftovers(folder: Path) -> int:
    """Remove what killed writers left below a folder a day ago or earlier.

    Returns:
        How many files that were.
    """
    removed: list[Path] = []
    for _ in walk(folder, removed.append):
        pass
    return len(removed)


def walk(folder: Path, on_removed: Callable[[Path], object] = lambda _: None) -> Iterator[tuple[Path, os.stat_result]]:
    """All finished files below a folder; old leftovers of killed writers are removed on the way.

    Unlike `os.walk` and fsspec it raises when a folder can't be read, as that is not an empty folder.
    """
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir():
            yield from walk(path, on_removed)
            continue
        try:
            status = entry.stat()
        except FileNotFoundError:  # gone since the folder was read
            continue
        if not is_leftover(entry.name):
            yield path, status
        elif time.time() - status.st_mtime > _LEFTOVER_SECONDS:
            path.unlink(missing_ok=True)
            on_removed(path)
