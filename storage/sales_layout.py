"""Where the sales of retailers lie on the lake: what they said, and the lines that were read from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Self

from storage.names import DAY, check_segment, day_folder, day_of, format_stamp, parse_stamp

__all__ = ["SalesBronze", "SalesSilver"]


@dataclass(frozen=True)
class SalesBronze:
    """All a retailer answered about one day. The best fetch bears the plain name; others stay beside it."""

    retailer: str
    business_date: date  # in the retailer's own zone
    superseded: datetime | None = None  # the start of a fetch that another is better than

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"bronze/retail_sales/retailer=(?P<retailer>[^/]+)/{DAY}/(?:_superseded_(?P<stamp>\w+)|sales_data)\.json"
    )

    def __post_init__(self) -> None:
        check_segment("retailer", self.retailer)
        if self.superseded is not None:
            object.__setattr__(self, "superseded", parse_stamp(format_stamp(self.superseded)))

    @property
    def key(self) -> str:
        """Its key on the lake. Engines pass over names that begin with `_`."""
        name = f"_superseded_{format_stamp(self.superseded)}" if self.superseded else "sales_data"
        return f"bronze/retail_sales/retailer={self.retailer}/{day_folder(self.business_date)}/{name}.json"

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        return cls(groups["retailer"], day_of(groups), parse_stamp(groups["stamp"]) if groups["stamp"] else None)


@dataclass(frozen=True)
class SalesSilver:
    """The lines of one business day in what a retailer answered to one run."""

    retailer: str
    business_date: date
    started_at: datetime

    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"silver/retail_sales/sales/retailer=(?P<retailer>[^/]+)/{DAY}/run_(?P<stamp>\w+)\.parquet"
    )

    def __post_init__(self) -> None:
        check_segment("retailer", self.retailer)
        object.__setattr__(self, "started_at", parse_stamp(format_stamp(self.started_at)))

    @property
    def key(self) -> str:
        """Its key on the lake."""
        return (
            f"silver/retail_sales/sales/retailer={self.retailer}/{day_folder(self.business_date)}"
            f"/run_{format_stamp(self.started_at)}.parquet"
        )

    @classmethod
    def _from(cls, groups: dict[str, str]) -> Self:
        return cls(groups["retailer"], day_of(groups), parse_stamp(groups["stamp"]))
