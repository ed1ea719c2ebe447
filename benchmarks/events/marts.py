"""Gondola from one event file to the marts: what `gondola run events` does, without Prefect and publishing."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from gondola.settings import PROJECT_ROOT

THREADS, MEMORY = "2", "1GB"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    warehouse = options.out / "gondola.duckdb"
    project = PROJECT_ROOT / "dbt_project"
    load = [sys.executable, "-m", "benchmarks.events.ours", options.file, str(options.out)]
    build = [str(Path(sys.executable).with_name("dbt")), "--quiet", "build", "--select", "events", "shared"]
    build += ["--exclude-resource-type", "unit_test", "--project-dir", str(project), "--profiles-dir", str(project)]
    build += ["--target-path", str(options.out / "target"), "--log-path", str(options.out / "logs")]
    environment = {
        "GONDOLA_LAKE": str(options.out / "lake"),
        "GONDOLA_WAREHOUSE": str(warehouse),
        "GONDOLA_TRANSFORM_THREADS": THREADS,
        "GONDOLA_TRANSFORM_MEMORY": MEMORY,
    }
    subprocess.run(load, check=True)
    subprocess.run(build, check=True, env=os.environ | environment, stdout=sys.stderr)
    print(json.dumps({"warehouse": str(warehouse)}))
