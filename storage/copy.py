"""One lake onto another, of any kind each: whole, checked byte by byte, and to be begun again after a kill.

Objects that make others count (run records above all) come last, so that nobody who reads the new lake while it is
filled sees a run whose rows have not arrived.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from gondola.errors import ConfigurationError, LakeConflictError, LakeKeyError, LakeUnavailableError
from storage.lake import Entry, Lake
from storage.layout import AREAS
from storage.parquet import spool_file

__all__ = ["CopyPlan", "CopyReport", "copy_lake", "plan_copy"]

_THREADS = 8
# In the order in which they are put; all that no pattern names comes before.
_COMMITS = (
    re.compile(r"gold/[^/]+/_manifest\.json|backups/.*\.json"),
    re.compile(r"metadata/(runs|compactions)/.*"),
)


@dataclass(frozen=True)
class CopyPlan:
    """What there is to copy."""

    source: str
    destination: str
    objects: int
    bytes: int
    present: int  # of them there already, by name and size; their content is compared when they are copied


@dataclass
class CopyReport:
    """What a copy came to."""

    source: str
    destination: str
    copied: int = 0
    skipped: int = 0  # there already, with the same content
    bytes_copied: int = 0
    conflicts: list[str] = field(default_factory=list)  # there with other content, and left as they are
    vanished: list[str] = field(default_factory=list)  # deleted at the source while it was copied
    uncommitted: int = 0  # not copied, as what they make count is not all there

    @property
    def status(self) -> str:
        """`complete`, or `failed` when the destination is not the source yet."""
        return "failed" if self.conflicts or self.vanished or self.uncommitted else "complete"


def plan_copy(source: Lake, destination: Lake) -> CopyPlan:
    """What a copy would have to look at; nothing is written.

    Raises:
        ConfigurationError: One lake lies within the other.
    """
    _check_apart(source, destination)
    entries = _list(source)
    present = {entry.key: entry.size for entry in _list(destination)}
    return CopyPlan(
        source.uri,
        destination.uri,
        len(entries),
        sum(entry.size for entry in entries),
        sum(present.get(entry.key) == entry.size for entry in entries),
    )


def copy_lake(
    source: Lake,
    destination: Lake,
    spool: Path,
    *,
    overwrite: bool = False,
    threads: int = _THREADS,
    on_object: Callable[[Entry], None] = lambda _: None,
) -> CopyReport:
    """Copy every object of a lake; what is there already with the same content is left alone.

    Each object passes through a local file, so that memory holds a few MB of it; it is read back from the destination
    and its SHA-256 compared. Killed at any moment and run again it ends right.

    Args:
        source: The lake to copy; nothing should write to it meanwhile.
        destination: The lake to fill.
        spool: A local folder with room for `threads` objects.
        overwrite: Replace objects of other content; otherwise they are conflicts.
        threads: Objects under way at once.
        on_object: Called with each object that is done with.

    Raises:
        ConfigurationError: One lake lies within the other.
        LakeUnavailableError: A lake did not answer, or gave back other bytes than it was given.
    """
    _check_apart(source, destination)
    report = CopyReport(source.uri, destination.uri)
    entries = _list(source)
    present = {entry.key: entry for entry in _list(destination)}
    copier = _Copier(source, destination, spool, present, report, overwrite=overwrite)
    for rank in range(len(_COMMITS) + 1):
        of_rank = [entry for entry in entries if _rank(entry.key) == rank]
        if report.conflicts or report.vanished:
            report.uncommitted += len(of_rank)
            continue
        copier.run(of_rank, threads, on_object)
    report.conflicts.sort()
    report.vanished.sort()
    return report


@dataclass
class _Copier:
    source: Lake
    destination: Lake
    spool: Path
    present: dict[str, Entry]
    report: CopyReport
    overwrite: bool

    def run(self, entries: Iterable[Entry], threads: int, on_object: Callable[[Entry], None]) -> None:
        with ThreadPoolExecutor(threads, "copy") as pool:
            under_way = {pool.submit(self.copy, entry): entry for entry in entries}
            try:
                for done in as_completed(under_way):
                    entry = under_way.pop(done)
                    self._count(entry, done.result())
                    on_object(entry)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _count(self, entry: Entry, outcome: str) -> None:
        if outcome == "conflict":
            self.report.conflicts.append(entry.key)
        elif outcome == "vanished":
            self.report.vanished.append(entry.key)
        elif outcome == "skipped":
            self.report.skipped += 1
        else:
            self.report.copied += 1
            self.report.bytes_copied += entry.size

    def copy(self, entry: Entry) -> str:
        there = self.present.get(entry.key)
        with spool_file(self.spool) as path:
            try:
                digest = _fetch(self.source, entry.key, path)
            except LakeKeyError:
                if self.source.exists(entry.key):  # or it raises: no lake can have a key like this
                    raise
                return "vanished"
            if there is not None:
                if there.size == path.stat().st_size and _digest(self.destination, entry.key) == digest:
                    return "skipped"
                if not self.overwrite:
                    return "conflict"
            try:
                self.destination.put_file(entry.key, path, new=there is None)
            except LakeConflictError:  # put there by somebody else since the listing
                return "skipped" if _digest(self.destination, entry.key) == digest else "conflict"
        if _digest(self.destination, entry.key) != digest:
            self.destination.delete(entry.key)
            message = f"{self.destination.uri}: {entry.key} was put, and other bytes came back; deleted: run again"
            raise LakeUnavailableError(message)
        return "copied"


def _list(lake: Lake) -> list[Entry]:
    return [entry for area in AREAS for entry in lake.find(area)]


def _rank(key: str) -> int:
    return next((rank for rank, pattern in enumerate(_COMMITS, 1) if pattern.fullmatch(key)), 0)


def _fetch(lake: Lake, key: str, path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for part in lake.read_parts(key):
            digest.update(part)
            file.write(part)
    return digest.hexdigest()


def _digest(lake: Lake, key: str) -> str:
    digest = hashlib.sha256()
    for part in lake.read_parts(key):
        digest.update(part)
    return digest.hexdigest()


def _check_apart(source: Lake, destination: Lake) -> None:
    one, other = f"{source.uri.rstrip('/')}/", f"{destination.uri.rstrip('/')}/"
    if one.startswith(other) or other.startswith(one):
        message = f"{source.uri} can't be copied to {destination.uri}: one lies within the other"
        raise ConfigurationError(message)
