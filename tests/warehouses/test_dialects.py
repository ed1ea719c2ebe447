"""Every model is SQL of every engine's dialect, and holds to what all of them understand alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from tests.warehouses.dialects import DIALECTS, MODELS, rendered

# The same text with other results, or understood by some engines only: stack probes found them.
BANNED = (exp.Qualify, exp.RegexpReplace, exp.RegexpLike, exp.List, exp.Struct, exp.Median, exp.ArgMax)


@pytest.mark.parametrize("engine", DIALECTS)
@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_every_model_is_sql_of_every_engine(model: Path, engine: str) -> None:
    sql = rendered(model, engine)
    (tree,) = sqlglot.parse(sql, dialect=engine, error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(tree, exp.Query), type(tree)
    if engine == "duckdb" and "loads" in model.stem:
        return  # reads JSON, and is DuckDB's own
    assert not list(tree.find_all(exp.Command, exp.Anonymous)), "a function that sqlglot does not know in this dialect"
    assert "::" not in sql
    assert '"' not in sql
    assert not list(tree.find_all(*BANNED))


def test_the_models_are_found() -> None:
    assert len(MODELS) >= 20
    assert {path.parent.name for path in MODELS} == {"staging", "intermediate", "marts"}


def test_engines_say_a_difference_of_days_in_their_own_words() -> None:
    (shipments,) = [path for path in MODELS if path.stem.endswith("fact_shipments")]
    words = {engine: rendered(shipments, engine) for engine in DIALECTS}
    assert "date_diff(shipments.delivered_date, shipments.promised_on, day)" in words["bigquery"]
    assert "datediff(day, shipments.promised_on, shipments.delivered_date)" in words["snowflake"]
    assert words["databricks"] == words["spark"]
    assert len(set(words.values())) == len(DIALECTS) - 1
