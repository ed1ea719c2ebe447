"""The lake: one URI, one layout, one Parquet writer, one DuckDB session."""
