"""Checks on what was just built, before readers see it: small functions over a DuckDB session.

`judge_market` runs them all. Each gives a `CheckResult` for each subject it judged; a failed one of severity
`error` is what stops a publish.
"""

from gondola.quality.market import judge_market
from gondola.quality.report import render_report
from gondola.quality.results import CheckResult, refusals
from gondola.quality.thresholds import MarketThresholds, Thresholds, load_thresholds

__all__ = [
    "CheckResult",
    "MarketThresholds",
    "Thresholds",
    "judge_market",
    "load_thresholds",
    "refusals",
    "render_report",
]
