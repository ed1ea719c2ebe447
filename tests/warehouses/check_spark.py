"""The same models on a local Spark give the same rows as on DuckDB.

Not among the suite's tests, as PySpark and its Java take half a gigabyte: `make test-warehouses` makes an environment
for it and runs this file.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from gondola.sandbox.physical_product import ProductWorld
from gondola.settings import PROJECT_ROOT, get_settings
from tasks.physical_product import load_files
from tasks.warehouses import load_warehouse
from tests.platform import Platform

PROJECT = PROJECT_ROOT / "dbt_project"
MARTS = (
    "dim_products",
    "dim_customers",
    "dim_date",
    "fact_sales",
    "fact_returns",
    "fact_shipments",
    "fact_waste",
    "fact_quality",
    "metrics_sales_performance",
    "metrics_product_performance",
    "metrics_customer_analytics",
)


def configure(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Spark of two threads that keeps to this machine and this folder."""
    conf = home / "conf"
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text(
        "\n".join(
            f"{name} {value}"
            for name, value in {
                "spark.master": "local[2]",
                "spark.ui.enabled": "false",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.driver.host": "127.0.0.1",
                "spark.driver.memory": "1g",
                "spark.sql.warehouse.dir": home / "spark",
                "spark.driver.extraJavaOptions": f"-Dderby.system.home={home}",
                "spark.sql.shuffle.partitions": "4",
                "spark.sql.session.timeZone": "UTC",
                "spark.sql.catalogImplementation": "hive",
            }.items()
        )
    )
    (conf / "log4j2.properties").write_text("rootLogger.level = error\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(conf))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("TZ", "UTC")  # Python's timestamps of Spark's rows
    time.tzset()


def build(target: str, home: Path, *select: str) -> None:
    for name in ("GONDOLA_LAKE", "GONDOLA_WAREHOUSE"):
        assert os.environ[name]
    try:
        result = dbtRunner().invoke(
            ["--quiet", "build", "--exclude-resource-type", "unit_test", "--select", *select, "--target", target,
             "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(home / target),
             "--log-path", str(home / "logs")]
        )  # fmt: skip
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert result.success, result.exception or [
        (node.node.name, node.message) for node in result.result if str(node.status) in {"error", "fail"}
    ]


def plain(rows: list[Any]) -> list[str]:
    """Rows to compare: moments without their zone, which is UTC on both sides."""
    return sorted(str([v.replace(tzinfo=None) if hasattr(v, "tzinfo") else v for v in row]) for row in rows)


def test_spark_and_duckdb_agree_on_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, monkeypatch)
    Platform(tmp_path).use(monkeypatch)
    settings = get_settings()
    ProductWorld(seed=5, lines=2000, days=30).write(tmp_path / "source")
    assert load_files.fn(settings, str(tmp_path / "source")).status == "complete"
    settings.warehouse.parent.mkdir(exist_ok=True)
    build("duckdb", tmp_path, "physical_product", "shared")

    for expected in (1, 0):
        assert len(load_warehouse.fn(settings.model_copy(update={"target": "spark"}))) == expected
    build("spark", tmp_path, "physical_product")

    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for mart in MARTS:
            relation = connection.sql(f"select * from physical_product.{mart}")
            columns = ", ".join(relation.columns)
            there = [tuple(row) for row in spark.sql(f"select {columns} from physical_product.{mart}").collect()]
            assert plain(relation.fetchall()) == plain(there), mart
    spark.stop()
