"""Tables for Amazon Athena over the files of `retail_sales`: what it must be told to read them where they lie.

Partitions are projected: Athena reckons which folders there are from the table's properties, so nothing has to be
registered when a day lands, and a query of some days lists only theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import yaml

from gondola.errors import ConfigurationError
from gondola.settings import PROJECT_ROOT
from gondola.sources.retailers import SALES_SCHEMA
from storage.lake import normalise_uri
from storage.sales_tables import DATES, DIMENSIONS, FACT, LOADS, Table

__all__ = ["athena_statements"]

_VIEWS = PROJECT_ROOT / "dbt_project" / "models" / "retail_sales" / "_retail_sales__views.yml"
_FIRST_YEAR = 2020
_LAST_YEAR = 2035
_PAGE = (
    "struct<path:string, received_at:string, headers:map<string,string>, sha256:string, encoding:string, body:string>"
)
_RAW_COLUMNS = {
    "version": "int",
    "business_date": "string",
    "run_id": "string",
    "status": "string",
    "error": "string",
    "started_at": "string",
    "finished_at": "string",
    "pages": f"array<{_PAGE}>",
}
_DAY_PARTITIONS = {"retailer": "string", "year": "int", "month": "int", "day": "int"}


@dataclass(frozen=True, slots=True)
class _External:
    """One external table."""

    name: str
    location: str
    columns: Mapping[str, str]
    partitions: Mapping[str, str]
    properties: Mapping[str, str]
    is_json: bool = False

    def statement(self, database: str) -> str:
        """Its DDL."""
        form = (
            "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'\nSTORED AS INPUTFORMAT "
            "'org.apache.hadoop.mapred.TextInputFormat'\nOUTPUTFORMAT "
            "'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'"
            if self.is_json
            else "STORED AS PARQUET"
        )
        partitions = f"PARTITIONED BY (\n{_listed(self.partitions)}\n)\n" if self.partitions else ""
        properties = ",\n".join(f"  '{name}' = '{value}'" for name, value in self.properties.items())
        return (
            f"CREATE EXTERNAL TABLE IF NOT EXISTS `{database}`.`{self.name}` (\n{_listed(self.columns)}\n)\n"
            f"{partitions}{form}\nLOCATION '{self.location}/'\nTBLPROPERTIES (\n{properties}\n)"
        )


def athena_statements(lake_uri: str, retailers: Sequence[str], *, database: str = "gondola") -> dict[str, str]:
    """`CREATE EXTERNAL TABLE` for what `retail_sales` has in bronze, silver and gold.

    Args:
        lake_uri: The lake, on S3.
        retailers: Ids of the retailers whose files lie there.
        database: The database the tables are made in.

    Returns:
        Statements by table, without a semicolon.

    Raises:
        ConfigurationError: The lake is not on S3, or there are no retailers.
    """
    if not retailers:
        message = "the retailers file names no retailer, so there are no partitions to tell Athena of"
        raise ConfigurationError(message)
    uri = normalise_uri(lake_uri)
    if not uri.startswith("s3://"):
        message = f"Athena reads S3 only, and the lake is {uri}; name one with --lake s3://bucket/prefix"
        raise ConfigurationError(message)
    tables = [
        _by_day("retail_sales_bronze", f"{uri}/bronze/retail_sales", _RAW_COLUMNS, retailers, is_json=True),
        _by_day(
            "retail_sales_silver",
            f"{uri}/silver/retail_sales/sales",
            {field.name: _arrow_type(field.type) for field in SALES_SCHEMA if field.name not in _DAY_PARTITIONS},
            retailers,
        ),
        *(_gold(uri, name, columns) for name, columns in _gold_tables().items()),
    ]
    return {table.name: table.statement(database) for table in tables}


def _by_day(
    name: str, root: str, columns: Mapping[str, str], retailers: Sequence[str], *, is_json: bool = False
) -> _External:
    """A table whose files lie by retailer and day."""
    where = f"{root}/retailer=${{retailer}}/year=${{year}}/month=${{month}}/day=${{day}}"
    properties = {
        "projection.enabled": "true",
        "projection.retailer.type": "enum",
        "projection.retailer.values": ",".join(retailers),
        "projection.year.type": "integer",
        "projection.year.range": f"{_FIRST_YEAR},{_LAST_YEAR}",
        "projection.year.digits": "4",
        "projection.month.type": "integer",
        "projection.month.range": "1,12",
        "projection.month.digits": "2",
        "projection.day.type": "integer",
        "projection.day.range": "1,31",
        "projection.day.digits": "2",
        "storage.location.template": where,
    }
    return _External(name, root, columns, _DAY_PARTITIONS, properties, is_json)


def _gold(uri: str, name: str, columns: Mapping[str, str]) -> _External:
    """A published table; one with a business date is a file a month."""
    root = f"{uri}/gold/retail_sales/{name}"
    if "business_date" not in columns:
        return _External(f"retail_sales_{name}", root, columns, {}, {"parquet.compression": "ZSTD"})
    properties = {
        "projection.enabled": "true",
        "projection.month.type": "date",
        "projection.month.format": "yyyy-MM",
        "projection.month.range": f"{_FIRST_YEAR}-01,NOW+1MONTHS",
        "projection.month.interval": "1",
        "projection.month.interval.unit": "MONTHS",
        "storage.location.template": f"{root}/month=${{month}}",
    }
    return _External(f"retail_sales_{name}", root, columns, {"month": "string"}, properties)


def _gold_tables() -> dict[str, dict[str, str]]:
    """Column types of all published tables of the schema: the loader's, and the views' by their contracts."""
    loaded: list[Table] = [DATES, *DIMENSIONS, FACT, LOADS]
    tables = {table.name: dict(table.columns) for table in loaded}
    for model in yaml.safe_load(_VIEWS.read_text(encoding="utf-8"))["models"]:
        tables[model["name"]] = {column["name"]: column["data_type"] for column in model["columns"]}
    return {name: {column: _sql_type(kind) for column, kind in columns.items()} for name, columns in tables.items()}


def _sql_type(kind: str) -> str:
    return {
        "text": "string",
        "varchar": "string",
        "integer": "int",
        "timestamp with time zone": "timestamp",
    }.get(kind, kind)


def _arrow_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    return {"int32": "int", "date32[day]": "date"}.get(str(kind), str(kind))


def _listed(columns: Mapping[str, str]) -> str:
    return ",\n".join(f"  `{name}` {kind}" for name, kind in columns.items())
