"""The jaffle shop: three CSV files of a small business, loaded by dlt."""

from gondola.sources.jaffle_shop.files import TABLES, RejectedRow, TableFile, read_file
from gondola.sources.jaffle_shop.pipeline import RAW_SCHEMA, LoadedTable, load_tables, loaded_until

__all__ = [
    "RAW_SCHEMA",
    "TABLES",
    "LoadedTable",
    "RejectedRow",
    "TableFile",
    "load_tables",
    "loaded_until",
    "read_file",
]
