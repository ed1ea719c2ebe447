from __future__ import annotations

import json
import threading
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from gondola.errors import LakeKeyError, LakeUnavailableError
from storage import _local, gold
from storage import publish as publishing
from storage.duck import connect
from storage.lake import Lake
from storage.publish import Published, open_published, publish, published_version
from tests.backends import only

FACT = "gold/market/fct_prices_daily"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse" / "gondola.duckdb"
    path.parent.mkdir()
    build(
        path,
        """
        CREATE SCHEMA market; CREATE SCHEMA shared;
        CREATE TABLE market.fct_prices_daily AS
            SELECT DATE '2026-01-30' + (i // 100)::INT AS price_date, 'bistek' AS supermarket, 'default' AS region,
                   ((i * 7) % 100)::VARCHAR AS sku_id, (i / 100)::DECIMAL(18, 4) AS price
            FROM range(500) t(i);
        CREATE TABLE market.dim_products AS SELECT i::VARCHAR AS sku_id, 'Arroz' AS product_name FROM range(100) t(i);
        CREATE TABLE market.int_internal AS SELECT 1 AS i;
        CREATE VIEW market.stg_view AS SELECT 1 AS i;
        CREATE VIEW market.int_latest AS SELECT max(price_date) AS day FROM gondola.market.fct_prices_daily;
        CREATE TABLE shared.dim_date AS SELECT DATE '2026-01-01' AS day;
        """,
    )
    return path


def build(path: Path, statements: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS gondola; USE gondola; {statements}")


def release(lake: Lake, warehouse: Path, *, keep: int = 2) -> Published:
    return publish(lake, warehouse, schemas=["market", "shared"], keep=keep)


def written(result: Published) -> dict[str, int]:
    return {table.table: table.written for table in result.tables}


def in_gold(lake: Lake, table: str, select: str = "count(*)") -> tuple[object, ...] | None:
    with connect(lake.uri) as connection:
        url = lake.url(f"gold/market/{table}/**/*.parquet")
        return connection.execute(f"SELECT {select} FROM read_parquet('{url}')").fetchone()


def in_copy(warehouse: Path, query: str) -> list[tuple[object, ...]]:
    with open_published(warehouse) as connection:
        return connection.execute(query).fetchall()


def assert_right(lake: Lake, warehouse: Path) -> None:
    """Gold, the readers' copy and the build say the same."""
    for table in ("fct_prices_daily", "dim_products"):
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{warehouse}' AS gondola (READ_ONLY)")
            truth = connection.execute(f"SELECT count(*), sum(hash(t)) FROM gondola.market.{table} t").fetchall()
        assert in_copy(warehouse, f"SELECT count(*), sum(hash(t)) FROM market.{table} t") == truth
        with connect(lake.uri) as connection:
            files = f"read_parquet('{lake.url(f'gold/market/{table}/**/*.parquet')}', hive_partitioning = false)"
            assert connection.execute(f"SELECT count(*), sum(hash(t)) FROM {files} t").fetchall() == truth


def test_tables_become_parquet_on_every_backend(lake: Lake, warehouse: Path) -> None:
    result = release(lake, warehouse)
    assert [entry.key for entry in lake.find("gold")] == [
        "gold/market/_manifest.json",
        "gold/market/dim_products/data.parquet",
        f"{FACT}/month=2026-01/data.parquet",
        f"{FACT}/month=2026-02/data.parquet",
        "gold/shared/_manifest.json",
        "gold/shared/dim_date/data.parquet",
    ]
    facts = next(table for table in result.tables if table.table == "fct_prices_daily")
    assert (facts.schema, facts.rows, facts.files, facts.written) == ("market", 500, 2, 2)
    assert facts.bytes == sum(entry.size for entry in lake.find(FACT))
    assert_right(lake, warehouse)
    assert in_copy(warehouse, "SELECT day::VARCHAR FROM market.int_latest") == [("2026-02-03",)]
    assert published_version(warehouse) == result.version
    with connect(lake.uri) as connection:  # sorted, so that readers skip what they don't ask for
        rows = connection.execute(
            f"SELECT sku_id, price_date FROM '{lake.url(f'{FACT}/month=2026-02/data.parquet')}'"
        ).fetchall()
    assert rows == sorted(rows)


def test_a_view_for_readers_becomes_parquet_too(lake: Lake, warehouse: Path) -> None:
    build(
        warehouse, "CREATE VIEW market.fct_latest AS SELECT max(price_date) AS d FROM gondola.market.fct_prices_daily"
    )
    release(lake, warehouse)
    assert in_gold(lake, "fct_latest", "max(d)::VARCHAR") == ("2026-02-03",)


def test_only_what_changed_is_written(lake: Lake, warehouse: Path) -> None:
    release(lake, warehouse)
    assert written(release(lake, warehouse)) == {"dim_products": 0, "fct_prices_daily": 0, "dim_date": 0}
    build(warehouse, "UPDATE market.fct_prices_daily SET price = price + 1 WHERE price_date = DATE '2026-02-01'")
    assert written(release(lake, warehouse)) == {"dim_products": 0, "fct_prices_daily": 1, "dim_date": 0}
    assert_right(lake, warehouse)


def test_an_empty_table_tells_its_columns(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    build(warehouse, "CREATE TABLE market.fct_empty (price_date DATE, price DECIMAL(18, 4))")
    release(lake, warehouse)
    assert in_gold(lake, "fct_empty", "count(price_date) + count(price)") == (0,)
    build(warehouse, "INSERT INTO market.fct_empty VALUES (DATE '2026-02-01', 1.5)")
    release(lake, warehouse)
    assert [entry.key for entry in lake.find("gold/market/fct_empty", ".parquet")] == [
        "gold/market/fct_empty/month=2026-02/data.parquet"
    ]
    assert in_gold(lake, "fct_empty", "sum(price)") == (Decimal("1.5"),)


def test_what_is_gone_from_the_warehouse_goes(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    build(warehouse, "INSERT INTO market.fct_prices_daily VALUES (NULL, 'a', 'b', 'c', 1)")
    release(lake, warehouse)
    assert lake.exists(f"{FACT}/month=__HIVE_DEFAULT_PARTITION__/data.parquet")
    lake.put(f"{FACT}/notes.txt", b"somebody else's")
    build(warehouse, "DELETE FROM market.fct_prices_daily WHERE price_date IS NULL OR price_date < DATE '2026-02-01'")
    build(warehouse, "DROP TABLE market.dim_products; CREATE TABLE market.dim_products AS SELECT DATE '2026-03-01' AS "
          "price_date, '1' AS sku_id")  # fmt: skip
    release(lake, warehouse)
    assert [entry.key for entry in lake.find("gold/market", ".parquet")] == [
        "gold/market/dim_products/month=2026-03/data.parquet",
        f"{FACT}/month=2026-02/data.parquet",
    ]
    assert lake.exists(f"{FACT}/notes.txt")
    assert_right(lake, warehouse)
    build(warehouse, "DROP TABLE market.dim_products")
    release(lake, warehouse)
    assert lake.find("gold/market/dim_products") == []


def test_a_file_that_somebody_damaged_is_written_again(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    release(lake, warehouse)
    lake.delete(f"{FACT}/month=2026-01/data.parquet")
    lake.put("gold/market/dim_products/data.parquet", b"short")
    assert written(release(lake, warehouse)) == {"dim_products": 1, "fct_prices_daily": 1, "dim_date": 0}
    assert_right(lake, warehouse)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("SELECT 1 AS a UNION ALL SELECT 2", "SELECT 2 AS a UNION ALL SELECT 1", True),
        ("SELECT 1 AS a UNION ALL SELECT 1", "SELECT 2 AS a UNION ALL SELECT 2", False),
        ("SELECT 1 AS a, NULL AS b", "SELECT NULL AS a, 1 AS b", False),
        ("SELECT 1 AS a", "SELECT 1 AS b", False),
        ("SELECT 1 AS a", "SELECT 1::BIGINT AS a", False),
        ("SELECT 1 AS a", "SELECT 1 AS a WHERE false", False),
    ],
)
def test_what_counts_as_a_change(tmp_path: Path, warehouse: Path, before: str, after: str, same: bool) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    build(warehouse, f"CREATE OR REPLACE TABLE shared.dim_date AS {before}")
    release(lake, warehouse)
    build(warehouse, f"CREATE OR REPLACE TABLE shared.dim_date AS {after}")
    assert written(release(lake, warehouse))["dim_date"] == (0 if same else 1)


@only("local", "azure")
def test_readers_are_never_torn(lake: Lake, warehouse: Path) -> None:
    """Each build changes every row of a table at once; a reader must see one build, whole, whenever it looks."""
    release(lake, warehouse)
    seen: dict[str, set[object]] = {"copy": set(), "gold": set()}
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                copy = in_copy(warehouse, "SELECT count(*), count(DISTINCT product_name) FROM market.dim_products")[0]
                assert copy == (100, 1)
                seen["copy"].add(in_copy(warehouse, "SELECT any_value(product_name) FROM market.dim_products")[0])
                assert in_gold(lake, "dim_products", "count(*), count(DISTINCT product_name)") == (100, 1)
                assert in_gold(lake, "fct_prices_daily", "count(*), count(DISTINCT (price_date, sku_id))") == (500, 500)
                seen["gold"].add(in_gold(lake, "dim_products", "any_value(product_name)"))
            except BaseException as error:  # noqa: BLE001
                failures.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(5):
        build(warehouse, f"UPDATE market.dim_products SET product_name = 'build {number}'")
        build(warehouse, "UPDATE market.fct_prices_daily SET price = price + 1")
        release(lake, warehouse)
    done.set()
    reader.join()
    assert failures == []
    assert seen["copy"]
    assert seen["gold"]
    assert_right(lake, warehouse)


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it, and nothing is tidied up on purpose."""


@pytest.mark.parametrize("step", range(1, 9))
def test_killed_between_any_two_steps_and_run_again(
    tmp_path: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    first = release(lake, warehouse)
    build(warehouse, "UPDATE market.dim_products SET product_name = 'new'")
    build(warehouse, "UPDATE market.fct_prices_daily SET price = price + 1")
    build(warehouse, "DELETE FROM market.fct_prices_daily WHERE price_date < DATE '2026-02-01'")

    steps = 0
    write = _local.write
    delete = Lake.delete

    def count_down() -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            raise Killed

    def write_or_die(target: Path, source: object, *, new: bool) -> None:
        count_down()
        write(target, source, new=new)  # type: ignore[arg-type]

    def delete_or_die(self: Lake, key: str) -> None:
        count_down()
        delete(self, key)

    with monkeypatch.context() as patch:
        patch.setattr(_local, "write", write_or_die)
        patch.setattr(Lake, "delete", delete_or_die)
        try:
            release(lake, warehouse)
        except Killed:
            assert published_version(warehouse) == first.version
            assert in_copy(warehouse, "SELECT DISTINCT product_name FROM market.dim_products") == [("Arroz",)]
        else:
            assert step > 6  # there are no more steps than that
    # The build goes back to what it was, which the files of the killed publish no longer are.
    build(warehouse, "UPDATE market.dim_products SET product_name = 'Arroz'")
    release(lake, warehouse)
    assert_right(lake, warehouse)
    assert not (warehouse.parent / "published" / ".work").exists()


def test_old_copies_go_and_an_open_one_stays_readable(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    release(lake, warehouse)
    with open_published(warehouse) as reader:
        versions = [release(lake, warehouse, keep=1).version for _ in range(3)]
        assert reader.execute("SELECT count(*) FROM market.dim_products").fetchone() == (100,)
        with pytest.raises(duckdb.Error, match="read-only"):
            reader.execute("DELETE FROM market.dim_products")
    copies = sorted(path.name for path in (warehouse.parent / "published").glob("*.duckdb"))
    assert copies == [f"gondola_{version}.duckdb" for version in versions[-2:]]


def test_one_publish_at_a_time(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    folder = warehouse.parent / "published"
    folder.mkdir()
    with publishing._lock(folder), pytest.raises(LakeUnavailableError, match="another publish"):
        release(lake, warehouse)
    release(lake, warehouse)


def test_a_warehouse_in_use_is_left_alone(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    with duckdb.connect() as building:
        building.execute(f"ATTACH '{warehouse}' AS gondola")
        with pytest.raises(LakeUnavailableError, match="can't be opened"):
            release(lake, warehouse)
    release(lake, warehouse)


def test_before_the_first_publish(tmp_path: Path, warehouse: Path) -> None:
    assert published_version(warehouse) is None
    with pytest.raises(LakeKeyError, match="nothing is published"):
        open_published(warehouse)
    with pytest.raises(LakeKeyError, match="no warehouse"):
        release(Lake.open(str(tmp_path / "lake")), tmp_path / "none.duckdb")
    with pytest.raises(LakeKeyError, match="version"):
        publish(Lake.open(str(tmp_path / "lake")), warehouse, schemas=[], keep=2, version="../x")


def test_hashes_of_another_engine_are_not_believed(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    release(lake, warehouse)
    manifest = json.loads(lake.get("gold/shared/_manifest.json"))
    manifest["engine"] = "0.0.0"
    lake.put("gold/shared/_manifest.json", json.dumps(manifest).encode())
    assert written(release(lake, warehouse))["dim_date"] == 1
    assert gold._read_manifest(lake, "gold/shared/_manifest.json")


@only("s3")
def test_readers_may_ask_the_lake_too(lake: Lake, warehouse: Path) -> None:
    release(lake, warehouse)
    with open_published(warehouse, lake_uri=lake.uri) as connection:
        url = lake.url("gold/market/dim_products/*.parquet")
        query = f"SELECT count(*) FROM market.dim_products JOIN '{url}' g USING (sku_id)"
        assert connection.execute(query).fetchone() == (100,)
