"""What a run of the events system came to: its truth in one word, and its figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:  # it brings dbt and Prefect, which a load by itself has no need of
    from tasks.transform import TransformReport

__all__ = ["EventsReport", "FileReport"]


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file."""

    name: str
    kind: str
    status: str  # complete, partial, failed or duplicate
    sha256: str | None = None
    bytes: int = 0
    rows: int = 0
    valid: int = 0
    rejected: int = 0
    format: str | None = None
    columns: tuple[str, ...] = ()  # of the contract
    duplicate_of: str | None = None  # the run that loaded the same bytes
    raw_key: str | None = None  # None where the file is not kept
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EventsReport:
    """One run of the events system."""

    run_id: str
    business_date: date
    source: str
    status: str  # complete, partial or failed; without the models
    files: tuple[FileReport, ...]
    days: tuple[date, ...]  # that got events
    seconds: float
    error: str | None = None
    build: TransformReport | None = None
    build_error: str | None = None

    @property
    def rows(self) -> int:
        """Records that were read."""
        return sum(file.rows for file in self.files)

    @property
    def valid(self) -> int:
        """Rows that landed; none of a run that failed."""
        return 0 if self.status == "failed" else sum(file.valid for file in self.files if file.status != "failed")

    @property
    def rejected(self) -> int:
        """Rows in quarantine."""
        return sum(file.rejected for file in self.files)

    @property
    def validity_rate(self) -> float | None:
        """The share of rows that were good; None without any."""
        return 1 - self.rejected / self.rows if self.rows else None

    @property
    def final_status(self) -> str:
        """`complete`, `partial` or `failed`, the models included."""
        return "failed" if self.build_error else self.status

    @property
    def headline(self) -> str:
        """The run in one line."""
        new = [file for file in self.files if file.status != "duplicate"]
        if self.error and self.status == "failed":
            return f"failed: {self.error}"
        if not new:
            return f"complete: nothing new among {len(self.files)} files"
        line = f"{self.status}: {self.valid:,} rows of {len(new)} new files on {len(self.days)} days"
        return line + (f", {self.rejected:,} in quarantine" if self.rejected else "")

    def built(self, outcome: TransformReport | BaseException) -> Self:
        """This report with what became of the models."""
        if isinstance(outcome, BaseException):
            return replace(self, build_error=str(outcome) or type(outcome).__name__)
        return replace(self, build=outcome)

    def as_document(self) -> dict[str, Any]:
        """The report as JSON types."""
        figures = {
            "status": self.final_status,
            "rows": self.rows,
            "valid": self.valid,
            "rejected": self.rejected,
            "validity_rate": self.validity_rate,
        }
        dates = {"business_date": self.business_date.isoformat(), "days": [day.isoformat() for day in self.days]}
        return asdict(self) | figures | dates
