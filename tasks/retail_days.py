"""The days of the retail_sales system: what was fetched of each, and what still is not."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

from gondola.settings import Settings
from gondola.sources.retailers import load_retailers, select_retailers
from storage.lake import Lake
from storage.records import read_runs
from tasks.market_days import Day
from tasks.retail_landing import SYSTEM

__all__ = ["retail_days"]

_ALWAYS = 100_000


def retail_days(settings: Settings, first: date, last: date) -> list[Day]:
    """Each day of a range: how often it was fetched, and of which retailers it is not whole.

    Args:
        settings: Name the lake and the retailers file.
        first: First day.
        last: Last day, included.
    """
    retailers = select_retailers(load_retailers(settings.retailers_file))
    fetches: Counter[date] = Counter()
    best: dict[date, dict[str, str]] = defaultdict(dict)
    for run in read_runs(Lake.open(settings.lake), days=_ALWAYS, system=SYSTEM):
        name = run.scope.removeprefix("retailer=")
        known = best[run.business_date]
        fetches[run.business_date] += run.status != "failed"
        if known.get(name) != "complete":
            known[name] = run.status
    days = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    missing = {
        day: ", ".join(
            f"{one.id}: {best[day].get(one.id, 'never fetched')}"
            for one in retailers
            if best[day].get(one.id) != "complete"
        )
        for day in days
    }
    return [Day(day, fetches[day], missing[day] or None) for day in days]
