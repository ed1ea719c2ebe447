"""DuckDB and the Parquet writer on every kind of storage."""

from __future__ import annotations

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from gondola.errors import ConfigurationError, DataContractError, LakeConflictError, LakeKeyError
from storage import duck
from storage.lake import Lake
from storage.parquet import FileStats, ParquetSink, clean_spool, read_metadata
from tests.backends import AZURITE_KEY, ROOT, Backend, forget_clients, only
from tests.contract.test_lake import ODD_NAMES

SCHEMA = pa.schema([("sku_id", pa.string()), ("price", pa.decimal128(18, 4)), ("raw", pa.binary())])


def rows(*skus: str) -> pa.Table:
    return pa.table({"sku_id": skus, "price": [Decimal("1.2345")] * len(skus), "raw": [b"{}"] * len(skus)}, SCHEMA)


def ask(lake: Lake, query: str) -> list[tuple[object, ...]]:
    with duck.connect(lake.uri) as connection:
        return connection.execute(query).fetchall()


def test_rows_stream_into_one_file(lake: Lake, tmp_path: Path) -> None:
    key = "bronze/x/run_1.parquet"
    with ParquetSink(lake, key, SCHEMA, {"run_id": "r1", "status": "?"}, tmp_path, plain=["raw"]) as sink:
        sink.write(rows("1", "2"))
        sink.write(rows())
        sink.write(rows("3"))
        assert lake.find() == []
        stats = sink.commit(status="complete", products=2)
    assert stats == FileStats(key, 3, lake.find()[0].size)
    assert list(tmp_path.glob("*.spool")) == []
    expected = {"run_id": "r1", "status": "complete", "rows": "3", "products": "2"}
    assert read_metadata(lake, key) == expected
    with lake.open_file(key) as file:
        assert pa.parquet.read_table(file).equals(pa.concat_tables([rows("1", "2"), rows("3")]))
    assert ask(lake, f"SELECT sku_id, price, raw FROM '{lake.url(key)}' WHERE sku_id = '3'") == [
        ("3", Decimal("1.2345"), b"{}")
    ]
    groups = ask(lake, f"SELECT DISTINCT row_group_id, compression FROM parquet_metadata('{lake.url(key)}') ORDER BY 1")
    assert groups == [(0, "ZSTD"), (1, "ZSTD")]


def test_a_file_of_no_rows_has_its_columns(lake: Lake, tmp_path: Path) -> None:
    with ParquetSink(lake, "empty.parquet", SCHEMA, {}, tmp_path) as sink:
        assert sink.commit().rows == 0
    assert ask(lake, f"SELECT count(*) FROM '{lake.url('empty.parquet')}'") == [(0,)]
    assert [name for name, *_ in ask(lake, f"DESCRIBE FROM '{lake.url('empty.parquet')}'")] == SCHEMA.names


def test_without_a_commit_nothing_is_left(lake: Lake, tmp_path: Path) -> None:
    def crawl() -> None:
        with ParquetSink(lake, "x.parquet", SCHEMA, {}, tmp_path / "spool") as sink:
            sink.write(rows("1"))
            message = "the crawl broke"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        crawl()
    assert lake.find() == []
    assert list((tmp_path / "spool").iterdir()) == []


def test_other_columns_are_refused(lake: Lake, tmp_path: Path) -> None:
    with ParquetSink(lake, "x.parquet", SCHEMA, {}, tmp_path) as sink:
        with pytest.raises(DataContractError, match="price is missing"):
            sink.write(rows("1").drop(["price"]))
        with pytest.raises(DataContractError, match=r"price is double, not decimal128\(18, 4\)"):
            sink.write(rows("1").set_column(1, "price", pa.array([1.5])))
        with pytest.raises(DataContractError, match="new is not known"):
            sink.write(rows("1").append_column("new", pa.array(["?"])))


def test_a_new_file_replaces_none(lake: Lake, tmp_path: Path) -> None:
    for _ in range(2):
        with ParquetSink(lake, "x.parquet", SCHEMA, {}, tmp_path) as sink:
            sink.write(rows("1"))
            sink.commit()
    with ParquetSink(lake, "x.parquet", SCHEMA, {}, tmp_path, new=True) as sink:
        sink.write(rows("2"))
        with pytest.raises(LakeConflictError):
            sink.commit()
    assert ask(lake, f"SELECT sku_id FROM '{lake.url('x.parquet')}'") == [("1",)]
    assert list(tmp_path.glob("*.spool")) == []


@only("local", "s3", "azure")
def test_a_killed_crawl_leaves_nothing_visible(lake: Lake, backend: Backend, tmp_path: Path) -> None:
    program = """
import sys, time, pyarrow as pa
from pathlib import Path
from storage.lake import Lake
from storage.parquet import ParquetSink
schema = pa.schema([("a", pa.int64())])
sink = ParquetSink(Lake.open(sys.argv[1]), "bronze/killed.parquet", schema, {}, Path(sys.argv[2]))
sink.write(pa.table({"a": range(100_000)}, schema))
print("go", flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", program, lake.uri, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"go\n"
    assert clean_spool(tmp_path) == 0  # it lives
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    assert lake.find() == []
    assert len(list(tmp_path.glob("*.spool"))) == 1
    assert clean_spool(tmp_path) == 1
    assert list(tmp_path.glob("*.spool")) == []


def test_files_of_different_columns_are_read_together(lake: Lake, tmp_path: Path) -> None:
    older = pa.schema([("sku_id", pa.string()), ("price", pa.int64())])
    newer = pa.schema([("ean", pa.string()), ("price", pa.decimal128(18, 4)), ("sku_id", pa.string())])
    tables = {
        "run_1": pa.table({"sku_id": ["1"], "price": [2]}, older),
        "run_2": pa.table({"ean": ["789"], "price": [Decimal("2.5000")], "sku_id": ["2"]}, newer),
    }
    for name, table in tables.items():
        with ParquetSink(lake, f"b/day=05/{name}.parquet", table.schema, {}, tmp_path) as sink:
            sink.write(table)
            sink.commit()
    found = ask(
        lake,
        f"SELECT sku_id, ean, price::DECIMAL(18, 4), day FROM read_parquet('{lake.url('b/**/*.parquet')}', "
        "union_by_name = true, hive_partitioning = true, hive_types = {'day': VARCHAR}) ORDER BY sku_id",
    )
    assert found == [("1", None, Decimal(2), "05"), ("2", "789", Decimal("2.5"), "05")]


def test_duckdb_and_the_lake_name_the_same_object(lake: Lake) -> None:
    lake.put("there", b"")  # the folder of a local lake
    with duck.connect(lake.uri) as connection:
        for name in ODD_NAMES:
            key = f"{name}.parquet"
            connection.execute(f"COPY (SELECT 7 AS i) TO {duck.quote_literal(lake.url(key))} (FORMAT parquet)")
            assert lake.exists(key)
            assert connection.execute(f"FROM {duck.quote_literal(lake.url(key))}").fetchall() == [(7,)]


def test_duckdb_writes_large_files_and_replaces_them(lake: Lake) -> None:
    lake.put("there", b"")
    with duck.connect(lake.uri) as connection:
        duck.prepare(connection, lake.uri)  # again is harmless
        for count in (10, 300_000):
            connection.execute(
                f"COPY (SELECT i, uuid() AS u FROM range({count}) t(i)) TO '{lake.url('big.parquet')}' (FORMAT parquet)"
            )
            assert connection.execute(f"SELECT count(*) FROM '{lake.url('big.parquet')}'").fetchone() == (count,)


def test_days_are_utc(lake: Lake) -> None:
    assert ask(lake, "SELECT (TIMESTAMPTZ '2026-02-05 23:30:00-03')::DATE::VARCHAR") == [("2026-02-06",)]


def test_nothing_is_loaded_for_a_folder(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path))
    loaded = ask(lake, "SELECT extension_name FROM duckdb_extensions() WHERE loaded AND extension_name = 'httpfs'")
    assert loaded == []
    assert ask(lake, "FROM duckdb_secrets()") == []


@only("azure")
def test_a_refused_query_does_not_show_the_key(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "d3Jvbmcga2V5IG9mIHRoZSByaWdodCBzaGFwZSBidXQgd3Jvbmc="
    given = backend.environment["AZURE_STORAGE_CONNECTION_STRING"].replace(AZURITE_KEY, wrong)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", given)
    forget_clients()
    with duck.connect(backend.uri) as connection:
        with pytest.raises(duckdb.Error) as caught:
            connection.execute(f"FROM '{backend.uri}/*.parquet'")
        shown = str(connection.execute("FROM duckdb_secrets()").fetchall())
    assert wrong not in str(caught.value) + shown


def test_a_secret_may_hold_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "it's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "';DROP SECRET x;--")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with duck.connect("s3://bucket/prefix") as connection:
        (text,) = connection.execute("SELECT secret_string FROM duckdb_secrets()").fetchone() or ("",)
    assert "key_id=it's" in text
    assert "DROP" not in text


def test_a_bad_endpoint_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:9000")
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL"):
        duck.connect("s3://bucket/prefix")


def test_metadata_of_nothing(lake: Lake) -> None:
    with pytest.raises(LakeKeyError, match="no object"):
        read_metadata(lake, "nothing.parquet")


def test_the_working_folder_is_not_part_of_a_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lake = Lake.open("data")
    assert lake.uri == str(tmp_path / "data")
    assert Lake.open(f"file://{tmp_path}/data").uri == lake.uri
    assert Path(lake.url("a/*.parquet")).is_absolute()
