from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from storage.duck import connect
from storage.lake import Lake
from tests.backends import ROOT, only

MODEL = "SELECT i + 1 AS j FROM read_parquet('{{ env_var(\"GONDOLA_LAKE\") }}/in/*.parquet')"
PROFILE = {
    "p": {
        "target": "duckdb",
        "outputs": {
            "duckdb": {
                "type": "duckdb",
                "path": ":memory:",
                "database": "gondola",
                "keep_open": False,
                "attach": [{"path": "{{ env_var('WAREHOUSE') }}", "alias": "gondola"}],
                "plugins": [{"module": "storage.dbt_plugin"}],
            }
        },
    }
}


@only("azure")
def test_a_dbt_model_reads_the_lake(lake: Lake, tmp_path: Path) -> None:
    with connect(lake.uri) as connection:
        connection.execute(f"COPY (SELECT 41 AS i) TO '{lake.url('in/a.parquet')}' (FORMAT parquet)")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.sql").write_text("{{ config(materialized='table') }} " + MODEL)
    project = {"name": "p", "profile": "p", "version": "1.0", "flags": {"send_anonymous_usage_stats": False}}
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(project))
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(PROFILE))
    environment = os.environ | {"WAREHOUSE": str(tmp_path / "w.duckdb"), "PYTHONPATH": str(ROOT)}
    dbt = Path(sys.executable).parent / "dbt"
    command = [str(dbt), "--log-format", "json", "run", "--profiles-dir", str(tmp_path), "--project-dir", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, [json.loads(line)["info"]["msg"] for line in done.stdout.splitlines()]
    with connect(str(tmp_path), database=tmp_path / "w.duckdb", read_only=True) as connection:
        assert connection.execute("SELECT j FROM main.m").fetchall() == [(42,)]
