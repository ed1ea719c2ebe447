"""Where everything lies on the lake: keys are derived from named fields and read back into them.

Each class is one kind of object. `parse(x.key) == x` holds for all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Self, get_args

from gondola.errors import LakeKeyError
from storage.market_layout import MarketBronze, MarketMonth, MarketSilver
from storage.names import (
    DAY,
    check_run_id,
    check_segment,
    day_folder,
    day_of,
    format_stamp,
    make_run_id,
    parse_stamp,
    run_start,
)
from storage.sales_layout import SalesBronze, SalesSilver

__all__ = [
    "AREAS",
    "METADATA_KINDS",
    "Backup",
    "Bronze",
    "Gold",
    "Kind",
    "MarketBronze",
    "MarketMonth",
    "MarketSilver",
    "Metadata",
    "Quarantine",
    "RawFile",
    "Report",
    "SalesBronze",
    "SalesSilver",
    "Silver",
    "check_segment",
    "format_stamp",
    "make_run_id",
    "parse",
    "parse_stamp",
]

METADATA_KINDS = ("runs", "slices", "requests", "quality", "alerts", "compactions")
# The folders of a lake. On a disk, other things may lie beside them: the default home holds warehouse and logs, too.
AREAS = ("bronze", "silver", "gold", "metadata", "quarantine", "reports", "archive", "backups")


@dataclass(frozen=True)
class Bronze:
    """What one run of any system took from a source, by table and day."""

    system: str
    table: str
    day: date
    started_at: datetime

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"bronze/(?P<system>[^/]+)/(?P<table>[^/=]+)/{DAY}/run_(?P<stamp>\w+)\.parquet"
    )

    def __post_init__(self) -> None:
        check_segment("system", self.system)
        check_segment("table", self.table)
        object.__setattr__(self, "started_at", parse_stamp(format_stamp(self.started_at)))

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return f"bronze/{self.system}/{self.table}/{day_folder(self.day)}/run_{format_stamp(self.started_at)}.parquet"

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        return cls(groups["system"], groups["table"], day_of(groups), parse_stamp(groups["stamp"]))


@dataclass(frozen=True)
class RawFile:
    """A file as a source gave it."""

    system: str
    run_id: str  # its stamp is the UTC start of the run, whose day the object lies under
    name: str

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"bronze/(?P<system>[^/]+)/files/{DAY}/(?P<run_id>[^/]+)/(?P<name>[^/]+)"
    )

    def __post_init__(self) -> None:
        check_segment("system", self.system)
        check_segment("file name", self.name)
        check_run_id(self.run_id)

    @property
    def started_at(self) -> datetime:
        """The start of the run."""
        return run_start(self.run_id)

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return f"bronze/{self.system}/files/{day_folder(self.started_at.date())}/{self.run_id}/{self.name}"

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        return cls(groups["system"], groups["run_id"], groups["name"])


@dataclass(frozen=True)
class Silver:
    """What one run made of a source's rows: valid, typed, by table, and by day where rows have one."""

    system: str
    table: str
    started_at: datetime
    day: date | None = None

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"silver/(?P<system>[^/]+)/(?P<table>[^/]+)/(?:{DAY}/)?run_(?P<stamp>\w+)\.parquet"
    )

    def __post_init__(self) -> None:
        check_segment("system", self.system)
        check_segment("table", self.table)
        object.__setattr__(self, "started_at", parse_stamp(format_stamp(self.started_at)))

    @property
    def key(self) -> str:
        """Its key on the lake."""
        folder = f"{day_folder(self.day)}/" if self.day else ""
        return f"silver/{self.system}/{self.table}/{folder}run_{format_stamp(self.started_at)}.parquet"

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        day = day_of(groups) if groups["year"] else None
        return cls(groups["system"], groups["table"], parse_stamp(groups["stamp"]), day)


@dataclass(frozen=True)
class Metadata:
    """Records of one run: what it did, asked, got and checked."""

    kind: str  # one of METADATA_KINDS
    system: str
    run_id: str  # its stamp is the UTC start of the run, whose day the object lies under

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"metadata/(?P<kind>[^/]+)/system=(?P<system>[^/]+)/{DAY}/(?P<run_id>[^/]+)\.parquet"
    )

    def __post_init__(self) -> None:
        if self.kind not in METADATA_KINDS:
            message = f"{self.kind!r} is no kind of metadata; there are {', '.join(METADATA_KINDS)}"
            raise LakeKeyError(message)
        check_segment("system", self.system)
        check_run_id(self.run_id)

    @property
    def started_at(self) -> datetime:
        """The start of the run."""
        return run_start(self.run_id)

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return f"metadata/{self.kind}/system={self.system}/{day_folder(self.started_at.date())}/{self.run_id}.parquet"

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        return cls(groups["kind"], groups["system"], groups["run_id"])


@dataclass(frozen=True)
class Quarantine:
    """The rows that a run refused, each with its reason."""

    system: str
    run_id: str

    _pattern: ClassVar[re.Pattern[str]] = re.compile(rf"quarantine/(?P<system>[^/]+)/{DAY}/(?P<run_id>[^/]+)\.parquet")

    def __post_init__(self) -> None:
        check_segment("system", self.system)
        check_run_id(self.run_id)

    @property
    def started_at(self) -> datetime:
        """The start of the run."""
        return run_start(self.run_id)

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return f"quarantine/{self.system}/{day_folder(self.started_at.date())}/{self.run_id}.parquet"

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        return cls(groups["system"], groups["run_id"])


@dataclass(frozen=True)
class Gold:
    """A published table, or one partition of it."""

    schema: str
    table: str
    partition: tuple[str, str] | None = None  # a name and a value, such as ("month", "2026-02")

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        r"gold/(?P<schema>[^/]+)/(?P<table>[^/]+)/(?:(?P<name>[^/=]+)=(?P<value>[^/]+)/)?data\.parquet"
    )

    def __post_init__(self) -> None:
        check_segment("schema", self.schema)
        check_segment("table", self.table)
        for part in self.partition or ():
            check_segment("partition", part)

    @property
    def key(self) -> str:
        """Its key on the lake."""
        folder = f"{'='.join(self.partition)}/" if self.partition else ""
        return f"gold/{self.schema}/{self.table}/{folder}data.parquet"

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        partition = (groups["name"], groups["value"]) if groups["name"] else None
        return cls(groups["schema"], groups["table"], partition)


@dataclass(frozen=True)
class Report:
    """What one run wrote for people: a page or a workbook."""

    kind: str  # such as quality
    run_id: str
    suffix: str = "html"  # or xlsx

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"reports/(?P<kind>[^/]+)/{DAY}/(?P<run_id>[^/]+)\.(?P<suffix>html|xlsx)"
    )

    def __post_init__(self) -> None:
        check_segment("kind of report", self.kind)
        check_run_id(self.run_id)

    @property
    def started_at(self) -> datetime:
        """The start of the run."""
        return run_start(self.run_id)

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return f"reports/{self.kind}/{day_folder(self.started_at.date())}/{self.run_id}.{self.suffix}"

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        return cls(groups["kind"], groups["run_id"], groups["suffix"])


@dataclass(frozen=True)
class Backup:
    """A published copy of the warehouse, or with `suffix` json what is known of it."""

    version: str
    suffix: str = "duckdb"  # or json

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        r"backups/warehouse/gondola_(?P<version>[^/]+)\.(?P<suffix>duckdb|json)"
    )

    def __post_init__(self) -> None:
        check_segment("version", self.version)

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return f"backups/warehouse/gondola_{self.version}.{self.suffix}"

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        return cls(groups["version"], groups["suffix"])


Kind = (
    MarketBronze
    | MarketMonth
    | MarketSilver
    | SalesBronze
    | SalesSilver
    | Bronze
    | RawFile
    | Silver
    | Metadata
    | Quarantine
    | Gold
    | Report
    | Backup
)


def parse(key: str) -> Kind:
    """The fields of a key.

    Raises:
        LakeKeyError: The key is not of this layout.
    """
    for kind in get_args(Kind):
        if match := kind._pattern.fullmatch(key):  # noqa: SLF001
            result: Kind = kind._from(match.groupdict())  # noqa: SLF001
            if result.key == key:
                return result
    message = f"{key!r} is not of the lake's layout"
    raise LakeKeyError(message)
