"""The models' SQL for engines whose adapters are not here: our own macros, rendered as dbt would dispatch them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from gondola.settings import PROJECT_ROOT

__all__ = ["DIALECTS", "MODELS", "rendered"]

PROJECT = PROJECT_ROOT / "dbt_project"
MODELS = sorted((PROJECT / "models" / "physical_product").rglob("*.sql"))
# Engine -> whose macros it takes where it has none of its own, as dbt's adapters say.
DIALECTS = {"duckdb": None, "postgres": None, "spark": None, "databricks": "spark", "snowflake": None, "bigquery": None}


def rendered(model: Path, engine: str) -> str:
    """A model's SQL on an engine.

    Args:
        model: Its file.
        engine: One of DIALECTS.
    """
    environment, names = _world(engine)
    return environment.from_string(model.read_text(), globals=names).render()


@cache
def _world(engine: str) -> tuple[Environment, dict[str, Any]]:
    """What Jinja knows while it renders for an engine: stand-ins for dbt's own words, and our macros."""
    environment = Environment(extensions=["jinja2.ext.do"], undefined=StrictUndefined)  # noqa: S701 - no HTML
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    names: dict[str, Any] = {
        "target": SimpleNamespace(type=engine),
        "config": lambda **_: "",
        "var": variables.__getitem__,
        "ref": lambda name: f"physical_product.{name}",
        "source": lambda schema, table: f"{schema}.{table}",
        "return": lambda value: value,
        "execute": False,
        "lake_rows": lambda *_: "select * from lake_rows",
        "column_of": lambda *_: [],
        "text_literal": lambda text: f"'{text}'",
        "lake_uri": lambda: "lake",
        "load_relation": lambda _: None,
    }
    # dbt's `return` ends a macro with a value; here the text that a macro writes is its value.
    text = re.sub(r"\{\{-?\s*return\((.*)\)\s*-?\}\}", r"{{ \1 }}", (PROJECT / "macros" / "portable.sql").read_text())
    module = environment.from_string(text, globals=names)
    macros = {name: value for name, value in vars(module.make_module(names)).items() if callable(value)}

    def dispatch(name: str, _package: str) -> Any:
        for prefix in (engine, DIALECTS[engine], "default"):
            if prefix and f"{prefix}__{name}" in macros:
                return macros[f"{prefix}__{name}"]
        raise KeyError(name)

    names["adapter"] = SimpleNamespace(dispatch=dispatch)
    macros = {name: value for name, value in vars(module.make_module(names)).items() if callable(value)}
    return environment, names | macros
