"""A platform for a test: its own lake, warehouse and stores file, driven in this process or by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pytest

from gondola.sandbox import Sandbox, ShelfRow, World
from gondola.settings import get_settings
from tasks.report import MarketReport

__all__ = ["REGIONS", "Completed", "Platform", "assert_day_is_true", "expected_rows", "fact_rows"]

ROOT = Path(__file__).resolve().parent.parent
# The sandbox's store-regions that have prices of their own.
REGIONS = {
    "aurora": ["florianopolis", "joinville"],
    "mirante": ["campinas", "santos"],
    "pampa": ["porto_alegre", "caxias"],
    "serra": ["default"],
}


@dataclass
class Completed:
    """What a command left."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def document(self) -> Any:
        """Its standard output as JSON; all of it must be one document."""
        return json.loads(self.out)


@dataclass
class Platform:
    """Settings that point into one folder, and ways to use the platform with them."""

    home: Path
    lake: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "GONDOLA_LAKE": self.lake or str(self.home / "lake"),
            "GONDOLA_WAREHOUSE": str(self.home / "warehouse" / "gondola.duckdb"),
            "GONDOLA_STORES_FILE": str(self.home / "stores.yaml"),
            "GONDOLA_RETAILERS_FILE": str(self.home / "retailers.yaml"),
            "GONDOLA_SPOOL": str(self.home / "spool"),
            "GONDOLA_LOGS": str(self.home / "logs"),
            "GONDOLA_LATE_PASS_DELAY_SECONDS": "0.2",
            "GONDOLA_REQUEST_ATTEMPTS": "3",
        } | self.extra

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make this process use the platform until the test ends."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()

    def crawl(
        self, sandbox: Sandbox, *, day: date | None = None, stores: Sequence[str] = (), build: bool = True
    ) -> MarketReport:
        """Run the market flow for the sandbox's day."""
        from gondola.cli.market import run_market

        sandbox.write_stores_file(self.home / "stores.yaml")
        return run_market(day or sandbox.date, list(stores), [], live=False, build=build)

    def transform(self, *, full_refresh: bool = False) -> None:
        """Build and publish the market models."""
        from flows.transform import transform

        transform(["market"], full_refresh=full_refresh)

    def query(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Ask the published copy, the way users do."""
        from gondola.serving.query import run_query

        rows: list[dict[str, Any]] = run_query(get_settings(), sql, parameters=parameters or None).to_pylist()
        return rows

    def records(self, kind: str) -> list[dict[str, Any]]:
        """All records of a kind on a local lake."""
        with duckdb.connect() as connection:
            files = f"{self.environment['GONDOLA_LAKE']}/{kind}/**/*.parquet"
            relation = connection.sql(f"from read_parquet('{files}', union_by_name = true)")
            return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

    def command(self, *arguments: str, timeout: float = 240, **environment: str) -> Completed:
        """Run the `gondola` command in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "gondola", *arguments],
            env=os.environ | self.environment | environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Completed(done.returncode, done.stdout, done.stderr.decode())


Fact = tuple[str, str, str, Decimal | None, Decimal | None, bool]


def expected_rows(rows: Iterable[ShelfRow]) -> set[Fact]:
    """What the sandbox's truth says the warehouse must hold: region, SKU, name, price, list price, availability."""
    return {
        (row.region, row.sku_id, " ".join(row.name.split()), row.price, row.list_price, row.is_available)
        for row in rows
    }


def fact_rows(rows: Iterable[dict[str, Any]]) -> set[Fact]:
    """The same of rows of `market.fct_prices_daily`."""
    return {
        (r["region"], r["sku_id"], " ".join(r["product_name"].split()), r["price"], r["list_price"], r["is_available"])
        for r in rows
    }


def assert_day_is_true(
    platform: Platform, world: World, day: int, stores: Mapping[str, Sequence[str]] = MappingProxyType(REGIONS)
) -> None:
    """Every row of a day's fact is what was on the shelf, and none is missing."""
    for store, regions in stores.items():
        truth = expected_rows(row for region in regions for row in world.shelf(store, region, day))
        facts = platform.query(
            "select * from market.fct_prices_daily where supermarket = $store and price_date = $day",
            store=store,
            day=world.date_of(day),
        )
        assert fact_rows(facts) == truth, store
        assert len(facts) == len(truth), f"{store}: doubled rows"
