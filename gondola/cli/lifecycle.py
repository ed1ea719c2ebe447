"""What becomes of files as they grow old, at the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from gondola.cli import display
from gondola.logs import configure_logs
from gondola.settings import get_settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="What becomes of files as they grow old.")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command("plan", epilog="Example: gondola lifecycle plan")
def show_plan(as_json: AsJson = False) -> None:
    """Show what the policy would do now, with files and bytes, and what is withheld and why. Changes nothing."""
    from tasks.lifecycle import make_plan

    made = make_plan(get_settings())
    if as_json:
        due = [{"name": m.name, "files": len(m.sources), "bytes": m.bytes} for m in made.due]
        document = {"now": made.now, "totals": made.totals(), "compact": due}
        _emit(document | {"steps": [asdict(s) for s in made.steps], "withheld": [asdict(h) for h in made.held]})
    else:
        _print(made.totals(), "Nothing is due.")


@app.command("apply", epilog="Example: gondola lifecycle apply")
def apply_policy(as_json: AsJson = False) -> None:
    """Compact closed months, change tiers, and delete what silver covers."""
    configure_logs(get_settings())
    from flows.lifecycle import lifecycle
    from tasks.lifecycle import LifecycleReport

    state: Any = lifecycle(return_state=True)
    report = state.result(raise_on_failure=False)
    if not isinstance(report, LifecycleReport):
        raise report
    if as_json:
        _emit(report.as_document())
    else:
        _print(report.totals(), "Nothing was due.")
        for name, reason in report.failures.items():
            display.console.print(f"[red]{name} was not compacted:[/] {escape(reason)}", highlight=False)
    sys.exit(0 if report.status == "complete" else 1)


@app.command("policy", epilog="Example: gondola lifecycle policy > policy.json")
def show_policy() -> None:
    """Print the storage's own lifecycle configuration as JSON: what `apply` puts on S3, what one may put on Azure."""
    from storage.lake import Lake
    from storage.policy import load_policy
    from storage.tiers import open_tiers

    settings = get_settings()
    _emit(open_tiers(Lake.open(settings.lake)).document(load_policy(settings.lifecycle_file)))


def _print(totals: Sequence[dict[str, Any]], otherwise: str) -> None:
    if not totals:
        display.console.print(otherwise)
        return
    rows = [(t["rule"], t["action"], f"{t['files']:,}", f"{t['bytes'] / 1e6:,.1f}", t["reason"]) for t in totals]
    display.output.print(display.rows_table(("rule", "action", "files", "MB", "why"), rows))


def _emit(document: Any) -> None:
    display.print_document(json.dumps(document, default=str, ensure_ascii=False, indent=2))
