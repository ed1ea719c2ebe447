"""Sales lines of the lake into the star schema: a day is one transaction, and a function of what the lake has of it.

All lines of a business day are read, whichever fetch brought them: of a line that came more than once the last word
counts, and lines of one product on one receipt become one row. The day's rows in the table are then brought to that:
rows that differ go, rows that are missing come, the others are not touched. So a day that is loaded twice, or that
overlaps with another fetch, changes nothing, and a day that was lost comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gondola.errors import DataContractError
from storage.duck import quote_literal
from storage.engines import Engine
from storage.sales_tables import DATES, DIMENSIONS, FACT, LOADS, SCHEMA, Dimension, Table, make_room, take_turn

__all__ = ["DayInput", "LoadedDay", "RetailerInfo", "load_day", "loaded_fingerprints"]

_LINES = "sales_lines"


@dataclass(frozen=True, slots=True)
class RetailerInfo:
    """A retailer as its newest run knew it."""

    id: str
    name: str
    time_zone: str
    currency: str


@dataclass(frozen=True, slots=True)
class DayInput:
    """What the lake has of a business day."""

    day: date
    urls: tuple[str, ...]  # Parquet files of lines
    statuses: Mapping[str, str]  # retailer -> complete or partial
    fingerprint: str  # of all this


@dataclass(frozen=True, slots=True)
class LoadedDay:
    """What a load did."""

    day: date
    rows: int  # of the fact table, now
    added: int
    removed: int


def loaded_fingerprints(engine: Engine) -> dict[date, str]:
    """Of each day that is loaded: of what."""
    return dict(engine.rows(f"SELECT DISTINCT business_date, fingerprint FROM {LOADS.full_name}"))


def load_day(engine: Engine, given: DayInput, retailers: Mapping[str, RetailerInfo], *, now: datetime) -> LoadedDay:
    """Bring a day's rows in the star schema to what the lake has, in one transaction: kept whole or not at all.

    Args:
        engine: Where the tables are; `create_tables` has made them.
        given: The day.
        retailers: All retailers, by id.
        now: The present, for the record.

    Raises:
        DataContractError: What was loaded does not add up to the lines; nothing of it is kept.
        WarehouseUnavailableError: PostgreSQL was lost; nothing of it is kept.
    """
    if not given.urls:
        return _load_day_without_sales(engine, given, now)
    _read_lines(engine, given)
    make_room(engine, given.day)
    with engine.transaction():
        take_turn(engine)
        _load_dates(engine, given.day)
        for dimension in DIMENSIONS:
            engine.stage("staged_dimension", dimension.columns, _dimension_query(dimension, retailers))
            _merge_dimension(engine, dimension)
        engine.stage("staged_sales", FACT.columns, _fact_query(given.day))
        removed, added = _replace_differing(engine, given.day)
        rows = _prove(engine, given.day)
        _record(engine, given, now)
    return LoadedDay(given.day, rows, added, removed)


def _load_day_without_sales(engine: Engine, given: DayInput, now: datetime) -> LoadedDay:
    with engine.transaction():
        take_turn(engine)
        removed = _count(engine, given.day)
        engine.execute(f"DELETE FROM {FACT.full_name} WHERE date_key = {given.day:%Y%m%d}")
        _record(engine, given, now)
    return LoadedDay(given.day, 0, 0, removed)


def _key(*columns: str) -> str:
    """A surrogate key that is the same on every engine and after every rebuild: 62 bits of a hash of what it names."""
    parts = " || chr(31) || ".join(f"coalesce({column}, chr(30))" for column in columns)
    return f"cast(md5_number_lower({parts}) & 4611686018427387903 AS bigint)"


def _read_lines(engine: Engine, given: DayInput) -> None:
    files = ", ".join(quote_literal(url) for url in given.urls)
    engine.lake.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {_LINES} AS
        SELECT
            *,
            {_key("retailer")} AS retailer_key,
            {_key("retailer", "product_id")} AS product_key,
            {_key("retailer", "store_id")} AS store_key,
            {_key("retailer", "customer_id")} AS customer_key
        FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false)
        WHERE business_date = DATE '{given.day}'
        """
    )
    # Few lines come twice: only their numbers are sorted, not whole rows.
    engine.lake.execute(
        f"""
        DELETE FROM {_LINES} WHERE rowid NOT IN (
            SELECT arg_max(rowid, (fetched_at, run_id)) FROM {_LINES} GROUP BY retailer, transaction_id, line_number
        )
        """
    )


def _dimension_query(dimension: Dimension, retailers: Mapping[str, RetailerInfo]) -> str:
    sources = {"retailer_id": "retailer", "city": "store_city", "state": "store_state"}
    newest = f"""
        SELECT lines.*, described.first_sold_at, described.last_sold_at
        FROM (
            SELECT
                min(sold_at) AS first_sold_at,
                max(sold_at) AS last_sold_at,
                arg_max(rowid, (sold_at, fetched_at, transaction_id, line_number)) AS newest_line
            FROM {_LINES}
            GROUP BY {dimension.key}
        ) AS described
        INNER JOIN {_LINES} AS lines ON described.newest_line = lines.rowid
    """
    if dimension.name == "dim_retailer":
        values = ", ".join(
            f"({', '.join(quote_literal(value) for value in (one.id, one.name, one.time_zone, one.currency))})"
            for one in retailers.values()
        )
        return f"""
            SELECT newest.retailer_key, info.*, newest.first_sold_at, newest.last_sold_at
            FROM ({newest}) AS newest
            INNER JOIN (VALUES {values}) AS info (retailer_id, retailer_name, time_zone, currency)
                ON newest.retailer = info.retailer_id
        """
    columns = ", ".join(f"{sources.get(name, name)} AS {name}" for name in dimension.columns)
    return f"SELECT {columns} FROM ({newest})"


def _merge_dimension(engine: Engine, dimension: Dimension) -> None:
    """Type 1: what was said of the newest sale replaces what was said before."""
    table, key = dimension.full_name, dimension.key
    said = dimension.attributes
    differs = " OR ".join(f"known.{name} IS DISTINCT FROM staged.{name}" for name in said)
    engine.execute(
        f"""
        UPDATE {table} AS known SET {", ".join(f"{name} = staged.{name}" for name in said)}
        FROM staged_dimension AS staged
        WHERE known.{key} = staged.{key} AND staged.last_sold_at >= known.last_sold_at AND ({differs})
        """
    )
    engine.execute(
        f"""
        UPDATE {table} AS known SET first_sold_at = staged.first_sold_at
        FROM staged_dimension AS staged
        WHERE known.{key} = staged.{key} AND staged.first_sold_at < known.first_sold_at
        """
    )
    _insert_missing(engine, dimension, "staged_dimension", (key,))


def _insert_missing(engine: Engine, table: Table, staged: str, keys: Sequence[str], condition: str = "true") -> None:
    columns = ", ".join(table.columns)
    same = " AND ".join(f"known.{key} = staged.{key}" for key in keys)
    engine.execute(
        f"""
        INSERT INTO {table.full_name} ({columns})
        SELECT {columns} FROM {staged} AS staged
        WHERE NOT EXISTS (SELECT 1 FROM {table.full_name} AS known WHERE {condition} AND {same})
        """
    )


def _load_dates(engine: Engine, day: date) -> None:
    """All days of the day's year, so that a calendar has no gaps."""
    if engine.rows(f"SELECT 1 FROM {DATES.full_name} WHERE date_key = {day:%Y%m%d}"):
        return
    engine.stage(
        "staged_dates",
        DATES.columns,
        f"""
        SELECT
            cast(strftime(d, '%Y%m%d') AS integer) AS date_key, cast(d AS date) AS date_day, year(d) AS year_number,
            quarter(d) AS quarter_number, month(d) AS month_number, day(d) AS day_of_month, weekofyear(d) AS iso_week,
            isodow(d) AS iso_weekday, cast(date_trunc('month', d) AS date) AS month_start, isodow(d) >= 6 AS is_weekend
        FROM generate_series(DATE '{day.year}-01-01', DATE '{day.year}-12-31', INTERVAL 1 DAY) AS days (d)
        """,
    )
    _insert_missing(engine, DATES, "staged_dates", ("date_key",))


def _fact_query(day: date) -> str:
    return f"""
        SELECT
            {day:%Y%m%d} AS date_key,
            DATE '{day}' AS business_date,
            retailer_key,
            transaction_id,
            product_key,
            -- A receipt is of one shop and one shopper; should its lines disagree, the first one counts.
            first(store_key ORDER BY line_number) AS store_key,
            first(customer_key ORDER BY line_number) AS customer_key,
            min(sold_at) AS sold_at,
            sum(quantity) AS quantity,
            CASE
                WHEN count(*) = 1 THEN min(unit_price)
                WHEN sum(quantity) <> 0
                    THEN round(cast(sum(total_amount) AS double) / cast(sum(quantity) AS double), 4)
            END AS unit_price,
            sum(total_amount) AS total_amount
        FROM {_LINES}
        GROUP BY retailer_key, transaction_id, product_key
    """


def _replace_differing(engine: Engine, day: date) -> tuple[int, int]:
    """Bring the day's rows to what is staged.

    Returns:
        How many went, and how many came.
    """
    table, of_day = FACT.full_name, f"known.date_key = {day:%Y%m%d}"
    keys = ("retailer_key", "transaction_id", "product_key")
    before = _count(engine, day)
    if before:
        same = " AND ".join(f"known.{key} = staged.{key}" for key in keys)
        others = [name for name in FACT.columns if name not in {*keys, "date_key"}]
        equal = " AND ".join(f"known.{name} IS NOT DISTINCT FROM staged.{name}" for name in others)
        engine.execute(
            f"DELETE FROM {table} AS known WHERE {of_day} "
            f"AND NOT EXISTS (SELECT 1 FROM staged_sales AS staged WHERE {same} AND {equal})"
        )
    left = _count(engine, day) if before else 0
    _insert_missing(engine, FACT, "staged_sales", keys, of_day)
    return before - left, _count(engine, day) - left


def _count(engine: Engine, day: date) -> int:
    return int(engine.rows(f"SELECT count(*) FROM {FACT.full_name} WHERE date_key = {day:%Y%m%d}")[0][0])


def _prove(engine: Engine, day: date) -> int:
    """Hold the table against the lines themselves, before anybody sees it."""
    facts = engine.rows(
        f"SELECT count(*), coalesce(sum(quantity), 0), coalesce(sum(total_amount), 0) "
        f"FROM {FACT.full_name} WHERE date_key = {day:%Y%m%d}"
    )[0]
    lines = engine.lake.execute(
        "SELECT count(DISTINCT (retailer, transaction_id, product_id)), coalesce(sum(quantity), 0), "
        f"coalesce(sum(total_amount), 0) FROM {_LINES}"
    ).fetchone()
    if tuple(facts) != lines:
        message = (
            f"{day}: the loaded rows, quantities and totals are {tuple(map(str, facts))}, of the lines "
            f"{tuple(map(str, lines or ()))}; nothing of the day was kept"
        )
        raise DataContractError(message)
    return int(facts[0])


def _record(engine: Engine, given: DayInput, now: datetime) -> None:
    """What the day's load came to, for each retailer; kept with it or not at all."""
    values = ", ".join(f"({quote_literal(name)}, {quote_literal(status)})" for name, status in given.statuses.items())
    engine.execute(f"DELETE FROM {LOADS.full_name} WHERE business_date = DATE '{given.day}'")
    engine.execute(
        f"""
        INSERT INTO {LOADS.full_name} ({", ".join(LOADS.columns)})
        SELECT
            DATE '{given.day}', statuses.retailer_id, statuses.status, count(sales.date_key),
            coalesce(sum(sales.quantity), 0), coalesce(sum(sales.total_amount), 0),
            {quote_literal(given.fingerprint)}, TIMESTAMP WITH TIME ZONE '{now.isoformat()}'
        FROM (VALUES {values}) AS statuses (retailer_id, status)
        LEFT JOIN {SCHEMA}.dim_retailer AS retailers ON statuses.retailer_id = retailers.retailer_id
        LEFT JOIN {FACT.full_name} AS sales
            ON retailers.retailer_key = sales.retailer_key AND sales.date_key = {given.day:%Y%m%d}
        GROUP BY statuses.retailer_id, statuses.status
        """
    )
