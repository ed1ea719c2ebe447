"""Where the market system's rows lie on the lake: crawls, and the months they are compacted to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Self

from storage.names import DAY, check_segment, day_folder, day_of, format_stamp, make_run_id, parse_stamp

__all__ = ["MarketBronze", "MarketMonth", "MarketSilver"]


@dataclass(frozen=True)
class MarketBronze:
    """What one crawl of one region of a supermarket found."""

    supermarket: str
    region: str
    business_date: date  # in the store's own zone
    started_at: datetime

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"bronze/market/supermarket=(?P<supermarket>[^/]+)/region=(?P<region>[^/]+)/{DAY}/run_(?P<stamp>\w+)\.parquet"
    )

    def __post_init__(self) -> None:
        check_segment("supermarket", self.supermarket)
        check_segment("region", self.region)
        object.__setattr__(self, "started_at", parse_stamp(format_stamp(self.started_at)))

    @property
    def run_id(self) -> str:
        """The run that wrote it."""
        return make_run_id(self.supermarket, self.region, started_at=self.started_at)

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return (
            f"bronze/market/supermarket={self.supermarket}/region={self.region}/{day_folder(self.business_date)}"
            f"/run_{format_stamp(self.started_at)}.parquet"
        )

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        return cls(groups["supermarket"], groups["region"], day_of(groups), parse_stamp(groups["stamp"]))


@dataclass(frozen=True)
class MarketMonth:
    """What the crawls of one region of a supermarket found in a month: one file in the place of many small ones."""

    supermarket: str
    region: str
    month: date  # its first day
    compacted_at: datetime
    archived: bool = False  # on storage without tiers: moved out of the way of those who read bronze

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        r"(?P<archive>archive/)?bronze/market/supermarket=(?P<supermarket>[^/]+)/region=(?P<region>[^/]+)"
        r"/year=(?P<year>\d{4})/month=(?P<month>\d\d)/compacted_(?P<stamp>\w+)\.parquet"
    )

    def __post_init__(self) -> None:
        check_segment("supermarket", self.supermarket)
        check_segment("region", self.region)
        object.__setattr__(self, "month", self.month.replace(day=1))
        object.__setattr__(self, "compacted_at", parse_stamp(format_stamp(self.compacted_at)))

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return (
            f"{'archive/' if self.archived else ''}bronze/market/supermarket={self.supermarket}/region={self.region}"
            f"/year={self.month.year:04}/month={self.month.month:02}/compacted_{format_stamp(self.compacted_at)}.parquet"
        )

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        month = day_of(groups | {"day": "1"})
        stamp = parse_stamp(groups["stamp"])
        return cls(groups["supermarket"], groups["region"], month, stamp, archived=bool(groups["archive"]))


@dataclass(frozen=True)
class MarketSilver:
    """The same rows as a `MarketMonth`, typed columns only: kept for good, and what models read of old days."""

    supermarket: str
    region: str
    month: date  # its first day
    compacted_at: datetime

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        r"silver/market/offers/supermarket=(?P<supermarket>[^/]+)/region=(?P<region>[^/]+)"
        r"/month=(?P<year>\d{4})-(?P<month>\d\d)/compacted_(?P<stamp>\w+)\.parquet"
    )

    def __post_init__(self) -> None:
        check_segment("supermarket", self.supermarket)
        check_segment("region", self.region)
        object.__setattr__(self, "month", self.month.replace(day=1))
        object.__setattr__(self, "compacted_at", parse_stamp(format_stamp(self.compacted_at)))

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return (
            f"silver/market/offers/supermarket={self.supermarket}/region={self.region}"
            f"/month={self.month.year:04}-{self.month.month:02}/compacted_{format_stamp(self.compacted_at)}.parquet"
        )

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        month = day_of(groups | {"day": "1"})
        return cls(groups["supermarket"], groups["region"], month, parse_stamp(groups["stamp"]))
