"""`gondola quality`: the checks of the quality gate, on what is published."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from gondola.cli import display
from gondola.errors import UnknownNameError
from gondola.logs import configure_logs
from gondola.settings import get_settings

if TYPE_CHECKING:
    from tasks.quality import QualityReport

__all__ = ["quality"]


def quality(
    systems: Annotated[
        list[str] | None, typer.Argument(help="Systems: market, physical_product; both by default.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show what passed, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Judge what is published: volume, freshness, prices; write the report; change nothing."""
    configure_logs(get_settings(), stderr=False)
    from flows.quality import quality as quality_flow
    from tasks.quality import JUDGED

    if unknown := [system for system in systems or () if system not in JUDGED]:
        message = f"there are no checks of {', '.join(unknown)}; systems with checks: {', '.join(JUDGED)}"
        raise UnknownNameError(message)
    state: Any = quality_flow(tuple(systems or JUDGED), return_state=True)
    report: QualityReport | BaseException = state.result(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise report
    if as_json:
        document = {"status": report.status, "run_id": report.run_id, "report": report.report_key}
        results = [asdict(result) for result in report.results]
        display.print_document(json.dumps(document | {"results": results}, default=str, ensure_ascii=False, indent=2))
    else:
        _print(report, every=every)
    sys.exit(0 if report.status == "complete" else 1)


def _print(report: QualityReport, *, every: bool) -> None:
    colours = {"passed": "green", "warn": "yellow", "error": "red"}
    rows = []
    for result in report.results:
        outcome = "passed" if result.passed else result.severity
        if every or not result.passed:
            rows.append((Text(outcome, colours[outcome]), result.name, result.subject, result.actual, result.expected))
    if rows:
        display.console.print(display.rows_table(("result", "check", "subject", "found", "expected"), rows))
    passed = sum(result.passed for result in report.results)
    display.console.print(f"{passed} of {len(report.results)} passed; report: {report.report_key}", highlight=False)
