"""Checks on what was just built, before readers see it: small functions over a DuckDB session.

`judge_market` and its like run all checks of a system. Each gives a `CheckResult` for each subject it judged; a failed
one of severity `error` is what stops a publish.
"""

from gondola.quality.market import judge_market
from gondola.quality.physical_product import judge_physical_product
from gondola.quality.report import render_report
from gondola.quality.results import CheckResult, refusals
from gondola.quality.thresholds import MarketThresholds, PhysicalProductThresholds, Thresholds, load_thresholds

__all__ = [
    "CheckResult",
    "MarketThresholds",
    "PhysicalProductThresholds",
    "Thresholds",
    "judge_market",
    "judge_physical_product",
    "load_thresholds",
    "refusals",
    "render_report",
]
