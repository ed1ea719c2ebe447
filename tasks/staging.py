"""Copies of a source's files on this machine, while they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.lake import Lake
from storage.parquet import create_spool_file

__all__ = ["StagedFile", "stage"]

_COPY_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class StagedFile:
    """The copy of a source's file, byte for byte."""

    path: Path
    sha256: str
    bytes: int


@contextmanager
def stage(source: Lake, key: str, spool: Path) -> Iterator[StagedFile]:
    """Copy a file to this machine for as long as the block runs.

    Args:
        source: Where it is.
        key: Its key there.
        spool: A local folder for the copy.

    Raises:
        LakeKeyError: The file has gone.
        LakeUnavailableError: The source does not answer.
    """
    path, copy = create_spool_file(spool)
    try:
        digest, size = hashlib.sha256(), 0
        with source.open_file(key) as original:
            while data := original.read(_COPY_BYTES):
                digest.update(data)
                copy.write(data)
                size += len(data)
        copy.flush()
        yield StagedFile(path, digest.hexdigest(), size)
    finally:
        path.unlink(missing_ok=True)
        copy.close()
