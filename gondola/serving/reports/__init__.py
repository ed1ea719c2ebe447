"""Workbooks for people who live in Excel: `write_report` makes the report of the shelves."""

from gondola.serving.reports.market import ReportSummary, write_report
from gondola.serving.reports.texts import Language

__all__ = ["Language", "ReportSummary", "write_report"]
