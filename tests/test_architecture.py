"""The house of docs/architecture.md holds: imports run one way, and files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("gondola", "storage", "flows", "tasks", "deployments")

CORE = {"gondola.clock", "gondola.errors", "gondola.settings", "gondola.yaml_files"}
# package -> what of ours it may import, besides itself
ALLOWED = {
    "storage": CORE,
    "gondola.sandbox": set(),
    "gondola.sources": CORE,
    "gondola.quality": CORE,
    "gondola.analysis": set(),
    "gondola.serving": CORE | {"gondola.alerts", "gondola.analysis", "gondola.logs", "storage"},
    "gondola.alerts": CORE | {"gondola.sources", "storage"},
    "gondola.cli": {"gondola", "deployments", "flows", "tasks", "storage"},
    "gondola": {"gondola"},
    "tasks": {"gondola", "storage"},
    "flows": {"tasks", "gondola", "storage"},
    "deployments": {"tasks", "gondola", "storage"},
}
FILES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # `from gondola import clock` imports gondola.clock.
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module in OURS else {node.module}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    module = module_of(path)
    package = max((p for p in ALLOWED if within(module, p)), key=len)
    allowed = {package} | ALLOWED[package]
    wrong = [
        name
        for name in imports_of(path)
        if any(within(name, ours) for ours in OURS) and not any(within(name, one) for one in allowed)
    ]
    assert not wrong, f"{module} may not import {wrong}"


@pytest.mark.parametrize(
    "package",
    [
        "storage",
        "gondola.sources",
        "gondola.sandbox",
        "gondola.quality",
        "gondola.alerts",
        "gondola.analysis",
        "gondola.serving",
    ],
)
def test_the_core_is_free_of_prefect(package: str) -> None:
    files = [path for path in FILES if within(module_of(path), package)]
    assert files
    assert not [path for path in files if any(within(name, "prefect") for name in imports_of(path))]


def test_no_file_is_too_long() -> None:
    python = [p for top in (*OURS, "tests", "benchmarks") for p in (ROOT / top).rglob("*.py")]
    long = {str(p.relative_to(ROOT)): n for p in python if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long, f"over 400 lines: {long}"
