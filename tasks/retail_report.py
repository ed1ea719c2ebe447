"""What a run of the retail_sales system came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:  # it brings dbt, which a fetch has no need of
    from tasks.transform import TransformReport

__all__ = ["RetailSalesReport", "RetailerDay"]


@dataclass(frozen=True, slots=True)
class RetailerDay:
    """One day of one retailer: a run."""

    run_id: str
    retailer: str
    day: date
    status: str  # complete, partial or failed
    pages: int = 0
    lines: int = 0
    rejected: int = 0
    requests: int = 0
    retries: int = 0
    bronze_key: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RetailSalesReport:
    """One run of the system: days of retailers, and the models."""

    runs: tuple[RetailerDay, ...]
    seconds: float
    build: TransformReport | None = None
    build_error: str | None = None

    @property
    def status(self) -> str:
        """`complete`, `partial` or `failed`, the models included. One retailer's failure makes the run partial."""
        if self.build_error or (self.runs and all(run.status == "failed" for run in self.runs)):
            return "failed"
        return "complete" if all(run.status == "complete" for run in self.runs) else "partial"

    @property
    def headline(self) -> str:
        """The run in one line."""
        if not self.runs:
            return "every day up to yesterday was fetched before; nothing to fetch"
        worst = [f"{run.retailer} {run.day}: {run.error}" for run in self.runs if run.status != "complete"]
        lines = sum(run.lines for run in self.runs)
        days = len({run.day for run in self.runs})
        text = f"{self.status}: {lines:,} lines of {len({run.retailer for run in self.runs})} retailers, {days} days"
        rejected = sum(run.rejected for run in self.runs)
        text += f", {rejected:,} rows refused" if rejected else ""
        return text + (f"; {worst[0]}" + (f" and {len(worst) - 1} more" if len(worst) > 1 else "") if worst else "")

    def built(self, outcome: TransformReport | BaseException) -> Self:
        """The report with what became of the models."""
        if isinstance(outcome, BaseException):
            return replace(self, build_error=str(outcome) or type(outcome).__name__)
        return replace(self, build=outcome)

    def as_document(self) -> dict[str, Any]:
        """The report as JSON types."""
        return {"status": self.status, "headline": self.headline} | asdict(self)
