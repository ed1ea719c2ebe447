"""dbt's own site with its lineage, and a page for readers: every table with owner, grain, example and test results."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gondola import clock
from gondola.errors import TransformError
from gondola.settings import PROJECT_ROOT, Settings
from storage.publish import published_version

__all__ = ["DocsSite", "build_docs", "public_tables", "serve_docs"]

_PROJECT = PROJECT_ROOT / "dbt_project"
_TEMPLATE = "tables.html.j2"
_SECONDS = 600
_SERVED = "dbt.html"


@dataclass(frozen=True, slots=True)
class TestResult:
    """A test of a table, and what became of it in the last build."""

    name: str
    status: str  # pass, warn, fail, error, skipped, or `not run`
    message: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table that readers see, as it is documented."""

    node: str  # dbt's name, for the link to its lineage
    name: str  # schema.table
    description: str
    owner: str
    grain: str
    example: str
    columns: tuple[tuple[str, str, str], ...]  # name, type, description
    parents: tuple[str, ...]
    tests: tuple[TestResult, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class DocsSite:
    """What was made."""

    path: Path
    tables: int
    tests: int
    failed: int
    version: str | None  # what readers saw when it was made


def build_docs(settings: Settings, out: Path) -> DocsSite:
    """Make the site; an earlier one is replaced once the new one is whole.

    Args:
        settings: Name the warehouse, beside which the last build left its results.
        out: The folder of the site.

    Raises:
        TransformError: dbt can't describe the project.
    """
    with TemporaryDirectory() as work:
        target = Path(work)
        _run_dbt(settings, target)
        manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        site = (target / "static_index.html").read_bytes()
    results = _results(settings.warehouse.parent / "dbt" / "run_results.json")
    tables = public_tables(manifest, results)
    version = published_version(settings.warehouse)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template(_TEMPLATE).render(
        tables=tables, lineage=_SERVED, version=version, made_at=f"{clock.now():%Y-%m-%d %H:%M} UTC"
    )
    new = out.with_name(f".{out.name}.partial")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    (new / _SERVED).write_bytes(site)
    (new / "index.html").write_text(page, encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    new.replace(out)
    tests = [test for table in tables for test in table.tests]
    failed = sum(test.status in {"fail", "error"} for test in tests)
    return DocsSite(out, len(tables), len(tests), failed, version)


def public_tables(manifest: dict[str, Any], results: dict[str, dict[str, Any]]) -> list[Table]:
    """The tables that readers see, by name.

    Args:
        manifest: dbt's manifest.
        results: Results of the last build by dbt's name of a node.
    """
    tests: dict[str | None, list[TestResult]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test":
            result = results.get(node["unique_id"], {"status": "not run", "message": None})
            found = TestResult(node["name"], result["status"], " ".join((result["message"] or "").split())[:300])
            tests.setdefault(node.get("attached_node"), []).append(found)
    tables = [
        Table(
            node=node["unique_id"],
            name=f"{node['schema']}.{node['alias']}",
            description=node["description"].strip(),
            owner=str(node["config"]["meta"].get("owner", "")),
            grain=str(node["config"]["meta"].get("grain", "")),
            example=str(node["config"]["meta"].get("example", "")).strip(),
            columns=tuple(
                (column["name"], column.get("data_type") or "", column["description"].strip())
                for column in node["columns"].values()
            ),
            parents=tuple(sorted(name.split(".")[-1] for name in node["depends_on"]["nodes"])),
            tests=tuple(sorted(tests.get(node["unique_id"], []), key=lambda test: (test.status == "pass", test.name))),
        )
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["access"] == "public"
    ]
    return sorted(tables, key=lambda table: table.name)


def serve_docs(site: Path, port: int, announce: Callable[[str], None]) -> None:
    """Show a site on this machine until interrupted.

    Args:
        site: Its folder.
        port: The port; 0 takes a free one.
        announce: Told the address.
    """
    handler = partial(_QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        announce(f"http://127.0.0.1:{server.server_port}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        """Say nothing: the terminal is the user's."""


def _run_dbt(settings: Settings, target: Path) -> None:
    """Describe the project without touching the warehouse, which a build may be using."""
    dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli()"]
    project = ["--project-dir", str(_PROJECT), "--profiles-dir", str(_PROJECT), "--target", "duckdb"]
    environment = os.environ | {
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target / "logs"),
        "GONDOLA_WAREHOUSE": str(target / "nothing.duckdb"),
        "GONDOLA_LAKE": settings.lake,
    }
    for words in (["parse"], ["docs", "generate", "--static", "--no-compile", "--empty-catalog"]):
        done = subprocess.run(  # noqa: S603 - the words are ours
            [*dbt, *words, *project], env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        if done.returncode:
            message = f"dbt can't describe the project: {(done.stdout + done.stderr)[-1000:]}"
            raise TransformError(message)


def _results(path: Path) -> dict[str, dict[str, Any]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # nothing was built here yet
    return {result["unique_id"]: result for result in document["results"]}
