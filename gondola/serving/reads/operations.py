"""How the platform itself is doing, from what is published: runs, checks, what stores were asked for; and the shop."""

from __future__ import annotations

from gondola.serving.reads.answers import Answer, Page, paged
from gondola.serving.reads.copies import Snapshot

__all__ = ["checks", "last_checks", "last_runs", "ledger", "orders_by_status", "runs", "top_customers", "transforms"]

_RUNS = """
select * exclude (attributes) from ops.fct_runs
where
    ($system::varchar is null or system = $system) and ($status::varchar is null or status = $status)
    and ($supermarket::varchar is null or supermarket = $supermarket)
order by started_at desc, run_id
"""
_CHECKS = """
select * from ops.fct_quality
where
    ($failed_only::boolean is false or not passed)
    and business_date > (select max(business_date) from ops.fct_quality) - $days::integer
order by run_started_at desc, passed, check_name, subject, run_id
"""
_LEDGER = """
select * from ops.fct_store_days
where
    business_date > (select max(business_date) from ops.fct_store_days) - $days::integer
    and ($supermarket::varchar is null or supermarket = $supermarket)
order by business_date desc, supermarket, region
"""
_ORDERS = """
select
    date_trunc('month', order_date)::date as month, status, count(*) as orders, sum(amount)::decimal(18, 2) as amount
from jaffle_shop.orders group by all order by month, status
"""
_CUSTOMERS = """
select * from jaffle_shop.customers order by customer_lifetime_value desc nulls last, customer_id
"""
_LAST_RUNS = """
select
    system, scope, supermarket, region, status, finished_at, business_date, received_rows, expected_rows,
    (received_rows / nullif(expected_rows, 0))::decimal(9, 4) as coverage, written_rows, rejected_rows, requests,
    throttled, duration_seconds, error
from ops.fct_runs
where ($system::varchar is null or system = $system)
qualify row_number() over (partition by system, scope order by finished_at desc, run_id desc) = 1
order by system, scope
"""
_TRANSFORMS = """
select
    run_id, started_at, finished_at, duration_seconds, status, stage,
    (attributes ->> '$.dbt.passed')::bigint as tests_passed, error
from ops.fct_runs
where system = 'transform'
order by started_at desc, run_id
"""
# Of each check and subject what the last gate, or the last look after it, found.
_LAST_CHECKS = """
select check_name, subject, severity, passed, expected, actual, run_started_at, run_id
from ops.fct_quality
where system in ('transform', 'quality')
qualify row_number() over (partition by check_name, subject order by run_started_at desc, run_id desc) = 1
order by passed, severity, check_name, subject
"""


def runs(
    snapshot: Snapshot,
    *,
    system: str | None = None,
    status: str | None = None,
    supermarket: str | None = None,
    page: Page | None = None,
) -> Answer:
    """Every run of every system that the published copy knows, the newest first.

    Args:
        snapshot: The version.
        system: One system only, as `market`.
        status: `complete`, `partial` or `failed` only.
        supermarket: One chain only.
        page: The part that is wanted; all by default.

    Raises:
        NotBuiltError: Nothing was ever built.
    """
    return paged(snapshot, _RUNS, page, {"system": system, "status": status, "supermarket": supermarket})


def checks(snapshot: Snapshot, *, days: int = 7, failed_only: bool = False, page: Page | None = None) -> Answer:
    """What the quality checks found on the last days there are, the newest first.

    Args:
        snapshot: The version.
        days: Days looked at.
        failed_only: Leave out what passed.
        page: The part that is wanted; all by default.
    """
    return paged(snapshot, _CHECKS, page, {"days": days, "failed_only": failed_only})


def ledger(snapshot: Snapshot, *, days: int = 7, supermarket: str | None = None, page: Page | None = None) -> Answer:
    """What each store-region was asked for on the last days there are, and what it cost.

    Args:
        snapshot: The version.
        days: Days looked at.
        supermarket: One chain only.
        page: The part that is wanted; all by default.
    """
    return paged(snapshot, _LEDGER, page, {"days": days, "supermarket": supermarket})


def orders_by_status(snapshot: Snapshot) -> Answer:
    """The jaffle shop's orders and what was paid for them, by month and status."""
    return Answer(snapshot.table(_ORDERS), snapshot.version)


def top_customers(snapshot: Snapshot, *, page: Page | None = None) -> Answer:
    """The jaffle shop's customers, by what they paid in all."""
    return paged(snapshot, _CUSTOMERS, page, {})


def last_runs(snapshot: Snapshot, *, system: str | None = None) -> Answer:
    """The last run of each scope, such as a store-region.

    Args:
        snapshot: The version.
        system: One system only.
    """
    return Answer(snapshot.table(_LAST_RUNS, system=system), snapshot.version)


def transforms(snapshot: Snapshot) -> Answer:
    """Transforms before the one that built this copy, with how many models and tests of dbt passed; the newest first.

    Args:
        snapshot: The version.
    """
    return Answer(snapshot.table(_TRANSFORMS), snapshot.version)


def last_checks(snapshot: Snapshot) -> Answer:
    """What each check of the quality gate last found; what did not pass comes first.

    Args:
        snapshot: The version.
    """
    return Answer(snapshot.table(_LAST_CHECKS), snapshot.version)
