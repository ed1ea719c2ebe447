"""The checks of the market system, each a function over a DuckDB session whose default database is the warehouse.

What is judged is the newest day of each store-region (`judged`, made once), so the cost does not grow with history.
A person may have accepted a result of an earlier build: from that day on the subject is compared with what was
accepted, not with what was before (`baselines`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import duckdb

from gondola.quality.results import MOST_EXAMPLES, CheckResult, Severity
from gondola.quality.thresholds import MarketThresholds

__all__ = ["judge_market"]

_JUDGED = """
create or replace temp table judged as
select
    supermarket, region, 'supermarket=' || supermarket || '/region=' || region as subject,
    max(price_date) as day,
    arg_max(status, price_date) as status,
    arg_max_null(received_products, price_date) as received,
    arg_max_null(expected_products, price_date) as declared
from market.fct_runs where is_day_winner
group by all
having max(price_date) >= (select max(price_date) from market.fct_runs where is_day_winner) - $recent_days::integer
"""
# The day on which a person last accepted a check's result for a subject. Its transform's record says so.
_BASELINES = """
create or replace temp table baselines as
select accepted.check_name, accepted.subject, max(accepted.day) as since
from (
    select unnest(from_json(json_extract(attributes, '$.accepted.results'),
        '[{"check_name": "VARCHAR", "subject": "VARCHAR", "day": "DATE"}]')) as accepted
    from ops.fct_runs
    where system = 'transform' and status = 'complete' and json_valid(attributes)
)
group by all
"""
_NO_BASELINES = """
create or replace temp table baselines (check_name varchar, subject varchar, since date)
"""
_VOLUME = """
with earlier as (
    select judged.subject, runs.received_products
    from market.fct_runs as runs
    inner join judged on runs.supermarket = judged.supermarket and runs.region = judged.region
    left join baselines on baselines.check_name = 'volume' and baselines.subject = judged.subject
    where
        runs.is_day_winner and runs.status = 'complete' and runs.price_date < judged.day
        and runs.price_date >= coalesce(baselines.since, date '0001-01-01')
    qualify row_number() over (partition by judged.subject order by runs.price_date desc) <= $runs
)
select subject, day, status, received, declared, avg(received_products) as mean, count(received_products) as runs
from judged left join earlier using (subject)
group by all order by subject
"""
_FRESHNESS = """
select judged.subject, max(runs.finished_at) as seen_at
from judged inner join market.fct_runs as runs using (supermarket, region)
where runs.status <> 'failed'
group by all order by subject
"""
# The days of the history are literals for the scan, so that only they are read of a year of prices.
_OUTLIERS = """
with today as (
    select judged.subject, judged.day, facts.supermarket, facts.region, facts.sku_id, facts.product_name, facts.price
    from market.fct_prices_daily as facts
    inner join judged on
        facts.supermarket = judged.supermarket and facts.region = judged.region and facts.price_date = judged.day
    where facts.price is not null and facts.price_date between $first_day::date and $last_day::date
),

history as (
    select facts.supermarket, facts.region, facts.sku_id, median(facts.price) as usual, count(*) as prices
    from market.fct_prices_daily as facts
    inner join judged on facts.supermarket = judged.supermarket and facts.region = judged.region
    left join baselines on baselines.check_name = 'price_outliers' and baselines.subject = judged.subject
    where
        facts.price is not null
        and facts.price_date between $first_day::date - $days::integer and $last_day::date
        and facts.price_date between judged.day - $days::integer and judged.day - 1
        and facts.price_date >= coalesce(baselines.since, date '0001-01-01')
    group by facts.supermarket, facts.region, facts.sku_id
),

compared as (
    select
        today.*, history.usual,
        case when history.prices >= $least_prices then today.price / history.usual end as ratio
    from today left join history using (supermarket, region, sku_id)
)

select
    subject, day, count(*) as skus, count(ratio) as compared,
    count(*) filter (where ratio > $times or ratio < 1 / $times) as outliers,
    list(
        {'sku_id': sku_id, 'product': product_name, 'price': price, 'usual': usual}
        order by abs(ln(ratio)) desc, sku_id
    ) filter (where ratio > $times or ratio < 1 / $times)[:$most_examples] as examples
from compared group by all order by subject
"""
_INTEGRITY = """
with facts as (
    select judged.subject, judged.day, facts.supermarket, facts.region, facts.sku_id, facts.run_id
    from market.fct_prices_daily as facts
    inner join judged on
        facts.supermarket = judged.supermarket and facts.region = judged.region and facts.price_date = judged.day
    where facts.price_date between $first_day::date and $last_day::date
),

orphans as (
    select *,
        case
            when stores.region is null then 'market.dim_stores has no such store-region'
            when runs.run_id is null then 'market.fct_runs has no such winning run'
            when products.sku_id is null then 'market.dim_products has no such SKU'
        end as missing
    from facts
    left join market.dim_stores as stores using (supermarket, region)
    left join (select * from market.fct_runs where is_day_winner) as runs using (run_id)
    left join market.dim_products as products
        on facts.supermarket = products.supermarket and facts.sku_id = products.sku_id
)

select
    subject, day, count(*) as skus, count(missing) as orphans,
    list({'sku_id': sku_id, 'run_id': run_id, 'missing': missing} order by sku_id)
        filter (where missing is not null)[:$most_examples] as examples
from orphans group by all order by subject
"""
_PRICES = """
select
    judged.subject, judged.day, count(facts.price) as prices,
    count(*) filter (where facts.price <= 0) as not_positive,
    count(*) filter (where facts.price > $highest) as too_high,
    count(*) filter (where facts.price is not null and facts.list_price is null) as no_list_price,
    list({'sku_id': sku_id, 'product': product_name, 'price': price, 'unit': measurement_unit} order by price desc)
        filter (where facts.price <= 0 or facts.price > $highest)[:$most_examples] as examples
from market.fct_prices_daily as facts
inner join judged on
    facts.supermarket = judged.supermarket and facts.region = judged.region and facts.price_date = judged.day
where facts.price_date between $first_day::date and $last_day::date
group by all order by subject
"""

Row = dict[str, Any]


class _Session:
    """A prepared session: what is judged, and between which days it lies."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, thresholds: MarketThresholds) -> None:
        self._connection = connection
        self.thresholds = thresholds
        connection.execute(_JUDGED, {"recent_days": thresholds.recent_days})
        known = connection.execute(
            "select count(*) from duckdb_tables() where schema_name = 'ops' and table_name = 'fct_runs'"
        ).fetchone()
        connection.execute(_BASELINES if known and known[0] else _NO_BASELINES)
        (self.days,) = self.rows("select min(day) as first_day, max(day) as last_day from judged")

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The answer to a query, by column name."""
        cursor = self._connection.execute(sql, parameters or None)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def judge_market(
    connection: duckdb.DuckDBPyConnection, thresholds: MarketThresholds, *, now: datetime, gate: bool
) -> list[CheckResult]:
    """Run every check of the market system.

    Args:
        connection: A session whose default database is a warehouse, built or published; only temporary tables are made.
        thresholds: What the checks compare with.
        now: The present, in UTC.
        gate: Whether a failed result withholds the build. What is old is then only warned of: withholding it would
            make what readers have older still.

    Returns:
        A result for each check and store-region; none when there is nothing to judge.
    """
    session = _Session(connection, thresholds)
    if session.days["last_day"] is None:
        return []
    checks: tuple[Callable[[_Session], list[CheckResult]], ...] = (_volume, _outliers, _integrity, _prices)
    results = [result for check in checks for result in check(session)] + _freshness(session, now, gate=gate)
    accepted = {(row["check_name"], row["subject"], row["since"]) for row in session.rows("from baselines")}
    return [
        replace(result, severity="warn", actual=f"{result.actual} (accepted)")
        if result.refuses and (result.name, result.subject, result.day) in accepted
        else result
        for result in results
    ]


def _volume(session: _Session) -> list[CheckResult]:
    """A complete day lists about as many products as the days before; a partial one is a state the run itself tells."""
    limits = session.thresholds.volume
    results = []
    for row in session.rows(_VOLUME, runs=limits.runs):
        expected = f"{limits.least_share:.0%} of the mean of the last {limits.runs} complete runs or more"
        severity: Severity = "error"
        if row["status"] != "complete":
            passed, severity = False, "warn"
            declared = "?" if row["declared"] is None else f"{row['declared']:,}"
            expected, actual = "a complete run", f"partial: {row['received']:,} of {declared} products"
        elif row["runs"] < limits.least_runs:
            passed, actual = True, f"{row['received']:,} products; not judged, {row['runs']} complete runs before"
        else:
            share = row["received"] / row["mean"] if row["mean"] else 1.0
            passed = share >= limits.least_share
            actual = f"{row['received']:,} products, {share:.1%} of {row['mean']:,.0f}"
        results.append(_result("volume", row, passed=passed, severity=severity, expected=expected, actual=actual))
    return results


def _freshness(session: _Session, now: datetime, *, gate: bool) -> list[CheckResult]:
    limits = session.thresholds.freshness
    results = []
    for row in session.rows(_FRESHNESS):
        hours = (now - row["seen_at"]).total_seconds() / 3600
        severity: Severity = "error" if hours > limits.error_hours and not gate else "warn"
        results.append(
            _result(
                "freshness",
                row,
                passed=hours <= limits.warn_hours,
                severity=severity,
                expected=f"seen within {limits.warn_hours:g} h",
                actual=f"seen {hours:.1f} h ago",
            )
        )
    return results


def _outliers(session: _Session) -> list[CheckResult]:
    """Prices are near what the same SKU cost there; many that are not mean a broken crawl, not a market."""
    limits = session.thresholds.price_outliers
    rows = session.rows(
        _OUTLIERS,
        **session.days,
        days=limits.days,
        least_prices=limits.least_prices,
        times=limits.times,
        most_examples=MOST_EXAMPLES,
    )
    results = []
    for row in rows:
        share = row["outliers"] / row["compared"] if row["compared"] else 0.0
        broken = share > limits.most_share and row["outliers"] >= limits.least_count
        results.append(
            _result(
                "price_outliers",
                row,
                passed=not row["outliers"],
                severity="error" if broken else "warn",
                expected=f"{limits.most_share:.0%} of SKUs at most beyond {limits.times:g} times their own median",
                actual=f"{row['outliers']:,} of {row['compared']:,} judged SKUs ({share:.1%}) of {row['skus']:,}",
            )
        )
    return results


def _integrity(session: _Session) -> list[CheckResult]:
    """Every fact has its product, its store-region and its run."""
    return [
        _result(
            "referential_integrity",
            row,
            passed=not row["orphans"],
            severity="error",
            expected="every fact has its product, store-region and winning run",
            actual=f"{row['orphans']:,} of {row['skus']:,} facts have not",
        )
        for row in session.rows(_INTEGRITY, **session.days, most_examples=MOST_EXAMPLES)
    ]


def _prices(session: _Session) -> list[CheckResult]:
    """Prices and list prices are such as a shelf can have."""
    limits, list_price = session.thresholds.price_sanity, session.thresholds.list_price
    results = []
    for row in session.rows(_PRICES, **session.days, highest=limits.highest_price, most_examples=MOST_EXAMPLES):
        high = row["too_high"] / row["prices"] if row["prices"] else 0.0
        results.append(
            _result(
                "price_sanity",
                row,
                passed=not row["not_positive"] and not row["too_high"],
                severity="error" if row["not_positive"] or high > limits.most_share else "warn",
                expected=f"prices above 0 and up to {limits.highest_price:,.0f}; {limits.most_share:.1%} above at most",
                actual=f"{row['not_positive']:,} not above 0, {row['too_high']:,} too high, of {row['prices']:,}",
            )
        )
        unusable = row["no_list_price"] / row["prices"] if row["prices"] else 0.0
        results.append(
            _result(
                "list_price",
                row | {"examples": None},
                passed=unusable <= list_price.most_unusable_share,
                severity="warn",
                expected=f"{list_price.most_unusable_share:.0%} of list prices unusable at most",
                actual=f"{unusable:.1%} are below the price, many times over it, or missing",
            )
        )
    return results


def _result(name: str, row: Row, *, passed: bool, severity: Severity, expected: str, actual: str) -> CheckResult:
    return CheckResult(
        name=name,
        subject=row["subject"],
        passed=passed,
        severity=severity,
        expected=expected,
        actual=actual,
        day=row.get("day"),
        examples=tuple(row.get("examples") or ()),
    )
