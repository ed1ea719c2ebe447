"""Do days of the past again: those that readers miss, or every day of a range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from loguru import logger
from prefect import flow
from prefect.runtime import flow_run

from flows.retail_sales import retail_sales
from flows.transform import transform
from gondola.errors import ConfigurationError, SourceUnavailableError, UnknownNameError
from gondola.settings import Settings, get_settings
from tasks.backfill import BackfillPlan, plan_backfill, recorded
from tasks.logs import lines_in_run_log
from tasks.market_days import Day, market_days
from tasks.retail_days import retail_days
from tasks.retail_report import RetailSalesReport

__all__ = ["BACKFILLS", "Backfill", "backfill", "plan"]


@dataclass(frozen=True, slots=True)
class Backfill:
    """How days of one system are done again; a further system is one more of these."""

    days: Callable[[Settings, date, date], Sequence[Day]]  # what there is of each day of a range
    run: Callable[[Sequence[date]], object]  # does days, and publishes them
    note: str  # what a person should know before
    fetches: bool = False  # whether its source can still be asked for days that were never fetched


def _rebuild_market(days: Sequence[date]) -> None:
    transform(["market"], rebuild_days=days)


def _fetch_retail_sales(days: Sequence[date]) -> None:
    state: Any = retail_sales(days=days, return_state=True)
    report: RetailSalesReport | BaseException = state.result(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise report
    if report.status != "complete":  # what came is kept, and what did not is still to be done
        raise SourceUnavailableError(report.build_error or report.headline)


BACKFILLS: Mapping[str, Backfill] = MappingProxyType(
    {
        "market": Backfill(
            market_days,
            _rebuild_market,
            "A shelf has no history: days are built again from what was crawled then; nothing is crawled.",
        ),
        "retail_sales": Backfill(
            retail_days,
            _fetch_retail_sales,
            "Retailers are asked again for the days; a line that is known is replaced, never doubled.",
            fetches=True,
        ),
    }
)
# Why there is nothing to do day by day, and what does it instead.
WITHOUT: Mapping[str, str] = MappingProxyType(
    {
        "events": "event files are loaded whenever they are found and put right the days they tell of: run "
        "`gondola run events --source …` with the files that are missing, or build all days again with "
        "`gondola transform events --full-refresh`",
        "jaffle_shop": "the shop's files are whole books, not days: `gondola run jaffle_shop` loads the newest, and "
        "`gondola transform jaffle_shop` loads again from the lake what the warehouse has lost",
    }
)


def _run_name() -> str:
    given = flow_run.get_parameters()
    return f"backfill-{given['system']}-{given['first']}-{given['last']}"


@flow(name="backfill", flow_run_name=_run_name, persist_result=False)
def backfill(system: str, first: date, last: date, *, everything: bool = False, reason: str = "") -> BackfillPlan:
    """Do days of the past again, month by month, the newest first; each is published when it is right.

    Ended at any moment and run again it does what is left.

    Args:
        system: Name of the system.
        first: First day.
        last: Last day, included.
        everything: Every day that was crawled; otherwise only days of which readers miss something.
        reason: Why, for the record.

    Returns:
        What was done.

    Raises:
        TransformError: A model or a test failed; the months done before are published.
    """
    settings = get_settings()
    with lines_in_run_log():
        made = plan(system, first, last, everything=everything, reason=reason)
        for part in made.parts:
            logger.info("backfill of {}: {} days from {} to {}", system, len(part), part[0], part[-1])
            with recorded(settings, made, part, flow_run.get_id()):
                BACKFILLS[system].run(part)
        return made


def plan(system: str, first: date, last: date, *, everything: bool = False, reason: str = "") -> BackfillPlan:
    """What `backfill` would do.

    Raises:
        UnknownNameError: No such system can be backfilled.
        ConfigurationError: The range ends before it begins, or the system has no days.
    """
    if system in WITHOUT:
        message = f"{system} has no days to backfill: {WITHOUT[system]}"
        raise ConfigurationError(message)
    if system not in BACKFILLS:
        message = f"{system!r} can't be backfilled; there are: {', '.join(BACKFILLS)}"
        raise UnknownNameError(message)
    way = BACKFILLS[system]
    return plan_backfill(
        get_settings(), system, way.days, first, last, everything=everything, fetches=way.fetches, reason=reason
    )
