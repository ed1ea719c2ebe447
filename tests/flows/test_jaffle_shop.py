"""The jaffle shop from its files to its marts, on the shop we make and on the classic one."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows.jaffle_shop import jaffle_shop
from flows.transform import transform
from gondola.errors import DataContractError
from gondola.sandbox.jaffle_shop import JaffleShop
from gondola.settings import PROJECT_ROOT
from storage.lake import Lake
from tests.backends import apply_environment, fresh_backend
from tests.platform import Platform

CLASSIC = PROJECT_ROOT.parent / "shared" / "data" / "jaffle_shop"
METHODS = ("credit_card", "coupon", "bank_transfer", "gift_card")


def books(platform: Platform, shop: JaffleShop) -> str:
    folder = platform.home / "shop"
    shop.write(folder)
    return str(folder)


def assert_marts_are_true(platform: Platform, shop: JaffleShop) -> None:
    truth = shop.truth()
    customers = {row["customer_id"]: row for row in platform.query("select * from jaffle_shop.customers")}
    assert {
        key: (row["number_of_orders"], row["first_order"], row["most_recent_order"], row["customer_lifetime_value"])
        for key, row in customers.items()
    } == {
        key: (known["orders"], known["first"], known["last"], Decimal(known["cents"]) / 100)
        for key, known in truth["customers"].items()
    }
    orders = platform.query("select * from jaffle_shop.orders")
    assert {
        row["order_id"]: {method: row[f"{method}_amount"] for method in METHODS if row[f"{method}_amount"]}
        for row in orders
    } == {
        key: {method: Decimal(cents) / 100 for method, cents in paid.items() if cents}
        for key, paid in truth["orders"].items()
    }
    assert {row["order_id"]: row["status"] for row in orders} == {
        order["id"]: order["status"] for order in shop.tables()["raw_orders"]
    }


def test_days_of_books_are_merged_and_a_lost_warehouse_comes_back(platform: Platform) -> None:
    early, late = JaffleShop(day=40), JaffleShop(day=55)
    assert jaffle_shop(books(platform, early), build=False).is_news
    report = jaffle_shop(books(platform, late))
    assert report.rows == {name: len(rows) for name, rows in late.tables().items()}
    assert_marts_are_true(platform, late)

    again = jaffle_shop(books(platform, late), build=False)
    assert not again.is_news, "the same files load nothing"
    assert len(platform.records("metadata/runs/system=jaffle_shop")) == 2

    before = platform.query("select * from jaffle_shop.orders order by order_id")
    shutil.rmtree(platform.home / "warehouse")
    transform(["jaffle_shop"])
    assert platform.query("select * from jaffle_shop.orders order by order_id") == before


def test_bad_rows_are_kept_apart_and_too_many_stop_the_load(platform: Platform) -> None:
    shop = JaffleShop(day=40)
    folder = books(platform, shop)
    orders = Path(folder) / "raw_orders.csv"
    good = orders.read_bytes()
    orders.write_bytes(good + b"9001,1,2026-13-01,placed\n")
    assert jaffle_shop(folder, build=False).rejected["raw_orders"] == 1
    kept = platform.records("quarantine/jaffle_shop")
    assert [(row["row_number"], row["field"], row["value"]) for row in kept] == [
        (good.count(b"\n"), "order_date", "2026-13-01")
    ]
    orders.write_bytes(good.replace(b"2026-01-", b"soon-"))
    with pytest.raises(DataContractError, match=r"raw_orders.csv: \d+ of \d+ rows are bad, more than 5%"):
        jaffle_shop(folder, build=False)
    runs = platform.records("metadata/runs/system=jaffle_shop")
    assert sorted(run["status"] for run in runs) == ["complete", "failed"]
    (Path(folder) / "raw_payments.csv").unlink()
    with pytest.raises(DataContractError, match=r"no raw_payments\.csv"):
        jaffle_shop(folder, build=False)


def test_the_command_loads_the_shop_that_is_shipped(platform: Platform) -> None:
    done = platform.command("run", "jaffle_shop", "--json")
    assert done.code == 0, done.err
    shop = JaffleShop()
    assert done.document["rows"] == {name: len(rows) for name, rows in shop.tables().items()}
    assert_marts_are_true(platform, shop)
    wrong = platform.command("run", "jaffle_shop", "--store", "bistek")
    assert wrong.code == 2
    assert "--store is an option of market, not of jaffle_shop" in wrong.err


def test_the_shipped_files_are_what_the_sandbox_makes(tmp_path: Path) -> None:
    JaffleShop().write(tmp_path)
    shipped = PROJECT_ROOT / "gondola" / "sandbox" / "jaffle_shop" / "files"
    assert {path.name: path.read_bytes() for path in shipped.iterdir()} == {
        path.name: path.read_bytes() for path in tmp_path.iterdir()
    }


@pytest.mark.parametrize("name", ["s3", "azure"])
def test_files_and_lake_on_a_cloud(
    name: str, request: pytest.FixtureRequest, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = fresh_backend(request, name, platform.home)
    apply_environment(monkeypatch, backend.environment)
    platform.lake = f"{backend.uri}/lake"
    platform.use(monkeypatch)
    shop = JaffleShop(day=20)
    shop.write(platform.home / "made")
    source = Lake.open(f"{backend.uri}/inbox")
    for path in (platform.home / "made").iterdir():
        source.put(path.name, path.read_bytes())
    jaffle_shop(f"{backend.uri}/inbox", build=False)
    shutil.rmtree(platform.home / "warehouse")
    transform(["jaffle_shop"])  # from what the lake holds alone
    assert_marts_are_true(platform, shop)


def test_the_classic_shop_gives_the_classic_numbers(platform: Platform) -> None:
    if not CLASSIC.exists():
        pytest.skip("the classic files are not here: ../shared/data/jaffle_shop")
    expected: dict[str, Any] = json.loads((CLASSIC / "expected.json").read_text())
    jaffle_shop(str(CLASSIC))

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in platform.query(sql)]

    customers = {row["customer_id"]: row for row in platform.query("select * from jaffle_shop.customers")}
    worth = {str(key): float(row["customer_lifetime_value"]) for key, row in customers.items() if row["first_order"]}
    assert worth == expected["ltv_by_customer"]
    numbers = {str(key): row["number_of_orders"] for key, row in customers.items() if row["number_of_orders"]}
    assert numbers == expected["number_of_orders_by_customer"]
    assert len(customers) == expected["rows"]["customers"]
    first = customers[1]
    assert [str(value) for value in first.values()][:6] == expected["customer_1"][:6]
    assert ask("select count(*), sum(amount) from jaffle_shop.orders") == [
        (expected["rows"]["orders"], Decimal(expected["raw_payments_sum_cents"]) / 100)
    ]
    by_status = ask("select status, count(*), sum(amount) from jaffle_shop.orders group by 1 order by 1")
    assert by_status == [(row["status"], row["n"], Decimal(row["amount"])) for row in expected["orders_by_status"]]
    sums = ask(f"select {', '.join(f'sum({method}_amount)' for method in METHODS)} from jaffle_shop.orders")[0]
    paid = {row["method"]: Decimal(row["cents"]) / 100 for row in expected["raw_payments_by_method"]}
    assert dict(zip(METHODS, sums, strict=True)) == paid


@pytest.mark.slow
def test_killed_at_any_moment_and_run_again(platform: Platform, prefect_api: str) -> None:
    shop = JaffleShop(customers=3000, day=400)
    folder = books(platform, shop)
    # Without a server of its own, which a killed process would leave behind.
    environment = os.environ | platform.environment | {"PREFECT_API_URL": prefect_api}
    for delay in (3.0, 5.0, 6.0, 7.0, 8.0, 9.0):
        with subprocess.Popen(
            [sys.executable, "-m", "gondola", "run", "jaffle_shop", "--source", folder],
            env=environment,
            cwd=platform.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    jaffle_shop(folder)
    assert_marts_are_true(platform, shop)
    with (Path(folder) / "raw_orders.csv").open(newline="") as file:
        assert len(platform.query("from jaffle_shop.orders")) == sum(1 for _ in csv.DictReader(file))
