"""Do days of the past again: those that readers miss, or every day of a range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from loguru import logger
from prefect import flow
from prefect.runtime import flow_run

from flows.transform import transform
from gondola.errors import UnknownNameError
from gondola.settings import Settings, get_settings
from tasks.backfill import BackfillPlan, plan_backfill, recorded
from tasks.logs import lines_in_run_log
from tasks.market_days import Day, market_days

__all__ = ["BACKFILLS", "Backfill", "backfill", "plan"]


@dataclass(frozen=True, slots=True)
class Backfill:
    """How days of one system are done again; a further system is one more of these."""

    days: Callable[[Settings, date, date], Sequence[Day]]  # what there is of each day of a range
    run: Callable[[Sequence[date]], object]  # does days, and publishes them
    note: str  # what a person should know before


def _rebuild_market(days: Sequence[date]) -> None:
    transform(["market"], rebuild_days=days)


BACKFILLS: Mapping[str, Backfill] = MappingProxyType(
    {
        "market": Backfill(
            market_days,
            _rebuild_market,
            "A shelf has no history: days are built again from what was crawled then; nothing is crawled.",
        ),
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
        ConfigurationError: The range ends before it begins.
    """
    if system not in BACKFILLS:
        message = f"{system!r} can't be backfilled; there are: {', '.join(BACKFILLS)}"
        raise UnknownNameError(message)
    days_of = BACKFILLS[system].days
    return plan_backfill(get_settings(), system, days_of, first, last, everything=everything, reason=reason)
