"""What a backfill has to do, in parts that memory holds, and the record of each part."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

from gondola import clock
from gondola.clock import next_start
from gondola.errors import ConfigurationError
from gondola.settings import Settings
from storage.lake import Lake
from storage.layout import make_run_id
from storage.records import RunRecord, put_run, read_runs
from tasks.market_days import Day

__all__ = ["BackfillPlan", "plan_backfill", "recorded"]

SYSTEM = "backfill"
_RESUME_WITHIN_DAYS = 2


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """The days of a range: those to do, and those that nothing can be done about."""

    system: str
    first: date
    last: date
    everything: bool  # every day that was crawled, and not only those of which readers miss something
    reason: str
    days: tuple[date, ...]  # to do
    missing: dict[date, str]  # why, where something is missing
    never_crawled: tuple[date, ...]
    resumed: str | None = None  # the record of the part after which an earlier run of this backfill ended

    @property
    def parts(self) -> list[tuple[date, ...]]:
        """The days to do, by month: a part is built and published at once.

        The newest month comes first. Each build holds the newest day's facts against the price history it has made:
        they must not be facts that are still to be put right.
        """
        months = [tuple(days) for _, days in groupby(self.days, key=lambda day: (day.year, day.month))]
        return months[::-1]

    def as_document(self) -> dict[str, Any]:
        """The plan as JSON types."""
        missing = {day.isoformat(): reason for day, reason in self.missing.items()}
        return asdict(self) | {"missing": missing, "parts": len(self.parts)}


def plan_backfill(
    settings: Settings,
    system: str,
    days_of: Callable[[Settings, date, date], Sequence[Day]],
    first: date,
    last: date,
    *,
    everything: bool = False,
    fetches: bool = False,
    reason: str = "",
) -> BackfillPlan:
    """See what there is to do in a range of days.

    Args:
        settings: Name the lake and the warehouse.
        system: Name of the system.
        days_of: Tells of each day of a range.
        first: First day.
        last: Last day, included.
        everything: Do every day that was crawled; otherwise only days of which readers miss something.
        fetches: Whether days that were never fetched can still be.
        reason: Why, for the record.

    Raises:
        ConfigurationError: The range ends before it begins.
    """
    if last < first:
        message = f"the range ends ({last}) before it begins ({first}); --from is its first day, --to its last"
        raise ConfigurationError(message)
    states = days_of(settings, first, last)
    crawled = [state for state in states if state.crawls or fetches]
    days = tuple(state.day for state in crawled if everything or state.missing)
    plan = BackfillPlan(
        system=system,
        first=first,
        last=last,
        everything=everything,
        reason=reason,
        days=days,
        missing={state.day: state.missing for state in crawled if state.missing},
        never_crawled=tuple(state.day for state in states if state not in crawled),
    )
    return _resumed(settings, plan) if everything else plan  # what is missing says by itself what is left


def _resumed(settings: Settings, plan: BackfillPlan) -> BackfillPlan:
    """The plan, less what an earlier run of it has done before it was ended."""
    for record in read_runs(Lake.open(settings.lake), days=_RESUME_WITHIN_DAYS, system=SYSTEM):
        known = json.loads(record.attributes)
        if known["range"] == _range(plan):
            left = {date.fromisoformat(day) for day in known["left"]}
            if not left:
                return plan
            days = tuple(day for day in plan.days if day in left)
            return replace(plan, days=days, resumed=record.run_id)
    return plan


@contextmanager
def recorded(settings: Settings, plan: BackfillPlan, part: Sequence[date], flow_run_id: str | None) -> Iterator[None]:
    """Record a part of a backfill when the block ends: complete, or failed with the error.

    Args:
        settings: Name the lake.
        plan: The backfill.
        part: The days of this part.
        flow_run_id: The Prefect flow run.
    """
    started_at = next_start(SYSTEM, plan.system)
    after = [day for day in plan.days if day < part[0]]

    def put(status: str, left: Sequence[date], error: str | None = None) -> None:
        attributes = {
            "range": _range(plan),
            "reason": plan.reason,
            "days": [day.isoformat() for day in part],
            "left": [day.isoformat() for day in left],
        }
        record = RunRecord(
            run_id=make_run_id(SYSTEM, plan.system, started_at=started_at),
            system=SYSTEM,
            scope=f"system={plan.system}",
            business_date=part[-1],
            started_at=started_at,
            finished_at=max(clock.now(), started_at),
            status=status,
            error=error,
            flow_run_id=flow_run_id,
            attributes=json.dumps(attributes, ensure_ascii=False),
        )
        put_run(Lake.open(settings.lake), record)

    try:
        yield
    except Exception as error:
        put("failed", [*after, *part], str(error) or type(error).__name__)
        raise
    put("complete", after)


def _range(plan: BackfillPlan) -> str:
    return f"{plan.system} {plan.first}..{plan.last}{' all' if plan.everything else ''}"
