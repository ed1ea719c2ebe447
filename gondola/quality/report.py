"""The page people read about a run's checks: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gondola.quality.results import CheckResult

__all__ = ["render_report"]

_TEMPLATE = "report.html.j2"


def render_report(results: Sequence[CheckResult], *, title: str, verdict: str, run_id: str, made_at: datetime) -> str:
    """Write the page; whatever stands in a name or a reason is shown as text.

    Args:
        results: All results of the run.
        title: What was judged.
        verdict: What came of it, in a sentence.
        run_id: The run.
        made_at: The present, in UTC.

    Returns:
        HTML, worst results first.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    ordered = sorted(results, key=lambda r: (r.passed, r.severity != "error", r.name, r.subject))
    return environment.get_template(_TEMPLATE).render(
        title=title,
        verdict=verdict,
        run_id=run_id,
        made_at=f"{made_at:%Y-%m-%d %H:%M} UTC",
        results=ordered,
        errors=sum(result.refuses for result in results),
        warnings=sum(not result.passed and not result.refuses for result in results),
        passed=sum(result.passed for result in results),
    )
