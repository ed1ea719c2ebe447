"""What the lake takes, by area, system and month."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from storage.lake import Lake
from storage.layout import AREAS

__all__ = ["Usage", "UsageLine", "measure"]

_MONTH = re.compile(r"/year=(\d{4})/month=(\d\d)/|/month=(\d{4})-(\d\d)/")


@dataclass(frozen=True, order=True)
class UsageLine:
    """The objects of one system in one area and month."""

    area: str
    system: str
    month: str  # such as 2026-02; empty for what belongs to none
    files: int
    bytes: int


@dataclass(frozen=True)
class Usage:
    """What a lake takes."""

    lines: tuple[UsageLine, ...]
    disk_used_share: float | None  # of the disk the lake is on; None when it is not on a disk of ours

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(line.bytes for line in self.lines)

    @property
    def files(self) -> int:
        """How many objects."""
        return sum(line.files for line in self.lines)

    @property
    def areas(self) -> dict[str, int]:
        """Bytes by area."""
        return {
            area: sum(line.bytes for line in self.lines if line.area == area)
            for area in sorted({line.area for line in self.lines})
        }


def measure(lake: Lake) -> Usage:
    """Count and weigh every object; unfinished files of dead writers on a disk are removed on the way.

    Args:
        lake: The lake.
    """
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for area in AREAS:
        for entry in lake.find(area):
            place = (area, _system(entry.key), _month(entry.key))
            files, size = sums.get(place, (0, 0))
            sums[place] = (files + 1, size + entry.size)
    lines = tuple(UsageLine(*place, files, size) for place, (files, size) in sorted(sums.items()))
    return Usage(lines, _disk_used_share(lake))


def _system(key: str) -> str:
    """The system an object belongs to: bronze/SYSTEM/…, metadata/KIND/system=SYSTEM/…, and gold/SCHEMA/…."""
    parts = key.split("/")
    named = next((part.removeprefix("system=") for part in parts if part.startswith("system=")), None)
    return named or (parts[1] if len(parts) > 2 else "")


def _month(key: str) -> str:
    found = _MONTH.search(key)
    return "-".join(part for part in found.groups() if part) if found else ""


def _disk_used_share(lake: Lake) -> float | None:
    if not lake.is_local:
        return None
    folder = Path(lake.uri)
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    # Of what this user can fill: some of a disk is kept for root, as df counts it.
    return round(usage.used / (usage.used + usage.free), 4)
