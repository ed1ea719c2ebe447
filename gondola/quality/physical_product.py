"""The checks of the physical product system, each a function over a session whose default database is the warehouse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

from gondola.quality.anomalies import Point, find_anomalies
from gondola.quality.results import MOST_EXAMPLES, CheckResult, Severity
from gondola.quality.thresholds import PhysicalProductThresholds, Share

__all__ = ["judge_physical_product"]

_KEYS = {
    "stg_products": "product_id",
    "stg_recipes": "product_id, component_id",
    "stg_customers": "customer_id",
    "stg_orders": "order_id, line_number",
    "stg_shipments": "shipment_id",
    "stg_returns": "return_id",
    "stg_waste": "waste_id",
    "stg_quality": "inspection_id",
}
_NEEDED = {
    "stg_orders": ("customer_id", "product_id", "order_date", "quantity", "unit_price"),
    "stg_shipments": ("order_id", "shipped_date", "promised_on"),
    "stg_returns": ("order_id", "line_number", "return_date", "quantity", "refund_amount"),
    "stg_waste": ("product_id", "wasted_on", "quantity"),
    "stg_quality": ("product_id", "inspection_date", "sample_size", "defects"),
}
# A reference: its name, the rows that have it, and the key that must be among those of another table.
_REFERENCES = (
    ("orders.product_id", "stg_orders", ("product_id",), "stg_products", ("product_id",)),
    ("orders.customer_id", "stg_orders", ("customer_id",), "stg_customers", ("customer_id",)),
    ("shipments.order_id", "stg_shipments", ("order_id",), "stg_orders", ("order_id",)),
    ("returns.order_id", "stg_returns", ("order_id", "line_number"), "fact_sales", ("order_id", "line_number")),
    ("waste.product_id", "stg_waste", ("product_id",), "stg_products", ("product_id",)),
    ("quality.product_id", "stg_quality", ("product_id",), "stg_products", ("product_id",)),
    ("recipes.component_id", "stg_recipes", ("component_id",), "stg_products", ("product_id",)),
)
# A calculation that the files or the models must agree on: what it is called, of which rows, and what breaks it.
_CALCULATIONS = (
    ("total_amount", "stg_orders", "not is_cancelled", "not has_right_total", "quantity x unit_price - discount"),
    ("returned_quantity", "fact_sales", "returned_quantity > 0", "kept_quantity < 0", "no more than was sold"),
    ("refund_amount", "fact_sales", "refund_amount > 0", "refund_amount > net_amount", "no more than was paid"),
    ("unit_cost", "dim_products", "is_made", "unit_cost is null", "a cost for all that is made"),
    ("result", "fact_quality", "true", "is_passed and defects = sample_size", "no batch passed that is all defects"),
)
_DAYS = {
    "orders": ("stg_orders", "order_date"),
    "shipments": ("stg_shipments", "shipped_date"),
    "waste": ("stg_waste", "wasted_on"),
    "quality": ("stg_quality", "inspection_date"),
}
# Series by category and day, of products that a catalogue tells of.
_METRICS = {
    "sales_quantity": ("fact_sales", "order_date", "sum(quantity)", True),
    "waste_quantity": ("fact_waste", "wasted_on", "sum(quantity)", True),
    "defect_rate": ("fact_quality", "inspection_date", "sum(defects) / sum(sample_size)", False),
}

Row = dict[str, Any]


def judge_physical_product(
    connection: duckdb.DuckDBPyConnection, thresholds: PhysicalProductThresholds, *, now: datetime, gate: bool
) -> list[CheckResult]:
    """Run all checks.

    Args:
        connection: The warehouse is its default database; it is only read.
        thresholds: What is compared with.
        now: The present.
        gate: Whether it is the gate that asks: then nothing is withheld for being old.
    """
    session = _Session(connection)
    return [
        *_schema(session),
        *_references(session, thresholds),
        *_calculations(session, thresholds),
        *_freshness(session, thresholds, now, gate=gate),
        *_anomalies(session, thresholds),
    ]


class _Session:
    """Queries as rows."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        cursor = self._connection.execute(sql, parameters or None)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _schema(session: _Session) -> Iterator[CheckResult]:
    """Every table has its columns, its key once, and a value where one is needed."""
    for table, key in _KEYS.items():
        nulls = " or ".join(f"{name} is null" for name in (*key.split(", "), *_NEEDED.get(table, ())))
        (found,) = session.rows(
            f"select count(*) as rows, count(*) - count(distinct ({key})) as repeated, "
            f"count(*) filter (where {nulls}) as missing from physical_product.{table}"
        )
        yield CheckResult(
            name="schema",
            subject=f"physical_product.{table}",
            passed=not found["repeated"] and not found["missing"],
            severity="error",
            expected=f"each {key} once, and no needed value missing",
            actual=f"{found['repeated']:,} keys repeated, {found['missing']:,} rows lack a value, of {found['rows']:,}",
        )


def _references(session: _Session, thresholds: PhysicalProductThresholds) -> Iterator[CheckResult]:
    """What rows refer to exists; a late file may still bring it, so a few are only said."""
    for name, table, columns, other, keys in _REFERENCES:
        on = " and ".join(f"a.{mine} = b.{theirs}" for mine, theirs in zip(columns, keys, strict=True))
        first = ", ".join(f"a.{column}" for column in columns)
        total = session.rows(f"select count(*) as rows from physical_product.{table}")[0]["rows"]
        stray = session.rows(
            f"select {first}, count(*) as rows from physical_product.{table} as a "
            f"anti join physical_product.{other} as b on {on} group by all order by rows desc, {first}"
        )
        count = sum(row["rows"] for row in stray)
        # Of a domain that no file has told of yet, nothing can be found.
        is_told = bool(session.rows(f"select 1 as one from physical_product.{other} limit 1"))
        yield _counted(
            "referential_integrity",
            name,
            count=count,
            total=total,
            limits=thresholds.referential_integrity if is_told else None,
            expected=f"found in {other}",
            examples=stray,
        )


def _calculations(session: _Session, thresholds: PhysicalProductThresholds) -> Iterator[CheckResult]:
    """Amounts are what they are reckoned from."""
    for name, table, among, wrong, expected in _CALCULATIONS:
        source = f"from physical_product.{table} where {among}"
        (found,) = session.rows(f"select count(*) as rows, count(*) filter (where {wrong}) as wrong {source}")
        examples = session.rows(f"select * {source} and {wrong} order by all limit {MOST_EXAMPLES}")
        yield _counted(
            "calculation",
            f"{table}.{name}",
            count=found["wrong"],
            total=found["rows"],
            # A cost that is not known is null, and no wrong number reaches anybody.
            limits=None if name == "unit_cost" else thresholds.calculation,
            expected=expected,
            examples=examples,
        )


def _freshness(
    session: _Session, thresholds: PhysicalProductThresholds, now: datetime, *, gate: bool
) -> Iterator[CheckResult]:
    """Something happened lately."""
    limits = thresholds.freshness
    for name, (table, column) in _DAYS.items():
        (found,) = session.rows(f"select max({column}) as newest from physical_product.{table}")
        newest: date | None = found["newest"]
        if newest is None:
            continue  # nothing was ever told; the run that brings nothing says so itself
        over = datetime.combine(newest + timedelta(days=1), datetime.min.time(), UTC)
        hours = max(0.0, (now - over).total_seconds() / 3600)
        severity: Severity = "error" if hours > limits.error_hours and not gate else "warn"
        yield CheckResult(
            name="freshness",
            subject=name,
            passed=hours <= limits.warn_hours,
            severity=severity,
            expected=f"something within {limits.warn_hours:g} h",
            actual=f"newest day {newest}, over for {hours:.0f} h",
            day=newest,
        )


def _anomalies(session: _Session, thresholds: PhysicalProductThresholds) -> Iterator[CheckResult]:
    """No series does what it never does."""
    limits = thresholds.anomaly
    for metric, (table, column, value, empty_is_zero) in _METRICS.items():
        found = []
        series = _series(session, table, column, value, limits.days, empty_is_zero=empty_is_zero)
        for name, points in sorted(series.items()):
            since = max(point.day for point in points) - timedelta(days=limits.judged_days - 1)
            found += [
                (name, anomaly)
                for anomaly in find_anomalies(
                    points,
                    least_points=limits.least_points,
                    least_score=limits.least_score,
                    least_share=limits.least_share,
                )
                if anomaly.day >= since
            ]
        expected = f"within {limits.least_score:g} robust standard deviations of its weekday"
        for name, anomaly in found:
            yield CheckResult(
                name="anomaly",
                subject=f"{metric}: {name}",
                passed=False,
                severity="warn",
                expected=f"about {anomaly.usual:,.4g}, {expected}",
                actual=f"{anomaly.value:,.4g}, {anomaly.score:+.1f} deviations off",
                day=anomaly.day,
            )
        if not found:
            judged = sum(len(points) >= limits.least_points for points in series.values())
            actual = f"{judged} of {len(series)} series judged, nothing strange in {limits.judged_days} days"
            yield CheckResult(
                name="anomaly", subject=metric, passed=True, severity="warn", expected=expected, actual=actual
            )


def _series(
    session: _Session, table: str, column: str, value: str, days: int, *, empty_is_zero: bool
) -> dict[str, list[Point]]:
    """The values of each category by day; a day without rows is 0 of what can be summed, and no point of a rate."""
    rows = session.rows(
        f"with newest as (select max({column}) as day from physical_product.{table}), "
        f"facts as (select p.category, f.{column} as day, cast({value} as double) as value "
        f"from physical_product.{table} as f inner join physical_product.dim_products as p using (product_id) "
        f"where p.is_in_catalogue and f.{column} > (select day - $days::integer from newest) group by all) "
        "select category, day, value from facts order by all",
        days=days,
    )
    series: dict[str, list[Point]] = defaultdict(list)
    for row in rows:
        series[row["category"]].append(Point(row["day"], row["value"]))
    if empty_is_zero and rows:
        first, last = min(row["day"] for row in rows), max(row["day"] for row in rows)
        whole = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        for points in series.values():
            have = {point.day for point in points}
            points += [Point(day, 0.0) for day in whole if day not in have]
    return series


def _counted(
    name: str, subject: str, *, count: int, total: int, limits: Share | None, expected: str, examples: list[Row]
) -> CheckResult:
    """A result about a number of bad rows: a few are a warning, many an error; without limits never one."""
    share = count / total if total else 0.0
    is_error = limits is not None and share > limits.most_share and count >= limits.least_count
    return CheckResult(
        name=name,
        subject=subject,
        passed=not count,
        severity="error" if is_error else "warn",
        expected=expected,
        actual=f"{count:,} of {total:,} are not ({share:.2%})",
        examples=tuple(examples[:MOST_EXAMPLES]),
    )
