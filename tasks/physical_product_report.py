"""What a run of the physical product system came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:  # it brings dbt and Prefect, which a load by itself has no need of
    from tasks.transform import TransformReport

__all__ = ["DomainFile", "PhysicalProductReport", "verdict"]


@dataclass(frozen=True, slots=True)
class DomainFile:
    """What became of one file."""

    name: str
    domain: str
    status: str  # complete, failed, or known: the same bytes were loaded before
    sha256: str | None = None
    bytes: int = 0
    rows: int = 0
    rejected: int = 0
    columns: tuple[str, ...] = ()  # of the contract
    error: str | None = None

    @property
    def valid(self) -> int:
        """Rows that count."""
        return self.rows - self.rejected if self.status == "complete" else 0


@dataclass(frozen=True, slots=True)
class PhysicalProductReport:
    """One run of the physical product system."""

    run_id: str
    business_date: date
    source: str
    status: str  # complete, partial or failed; without the models
    files: tuple[DomainFile, ...]
    seconds: float
    error: str | None = None
    build: TransformReport | None = None
    build_error: str | None = None

    @property
    def is_news(self) -> bool:
        """Whether any file was not loaded before."""
        return any(file.status != "known" for file in self.files)

    @property
    def rows(self) -> int:
        """Records that were read."""
        return sum(file.rows for file in self.files)

    @property
    def valid(self) -> int:
        """Rows that count."""
        return sum(file.valid for file in self.files)

    @property
    def rejected(self) -> int:
        """Rows in quarantine."""
        return sum(file.rejected for file in self.files)

    @property
    def final_status(self) -> str:
        """`complete`, `partial` or `failed`, the models included."""
        return "failed" if self.build_error else self.status

    @property
    def headline(self) -> str:
        """The run in one line."""
        if self.status == "failed":
            return f"failed: {self.error}"
        new = [file for file in self.files if file.status != "known"]
        if not new:
            return f"complete: nothing new among {len(self.files)} files"
        line = f"{self.status}: {self.valid:,} rows of {len(new)} new files"
        return line + (f", {self.rejected:,} in quarantine" if self.rejected else "")

    def built(self, outcome: TransformReport | BaseException) -> Self:
        """This report with what became of the models."""
        if isinstance(outcome, BaseException):
            return replace(self, build_error=str(outcome) or type(outcome).__name__)
        return replace(self, build=outcome)

    def as_document(self) -> dict[str, Any]:
        """The report as JSON types."""
        figures = {"status": self.final_status, "rows": self.rows, "valid": self.valid, "rejected": self.rejected}
        return asdict(self) | figures | {"business_date": self.business_date.isoformat()}


def verdict(files: Sequence[DomainFile]) -> tuple[str, str | None]:
    """A run's status by its files, and the first reason for it."""
    new = [file for file in files if file.status != "known"]
    failed = [f"{file.name}: {file.error}" for file in new if file.status == "failed"]
    if not failed:
        return "complete", None
    return ("failed" if len(failed) == len(new) else "partial"), failed[0]
