"""What a deploy did, or would do: a line for each thing the server holds for us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Change", "Plan"]

Action = Literal["created", "changed", "removed", "unchanged", "skipped"]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one thing.

    Attributes:
        kind: Work pool, deployment or automation.
        name: Its name on the server.
        action: What was done; `skipped` when something it needs is not there.
        detail: The fields that differed, or what was missing.
    """

    kind: str
    name: str
    action: Action
    detail: str = ""


@dataclass(slots=True)
class Plan:
    """The changes of one deploy, in order.

    Attributes:
        dry_run: Whether changes are only written down.
        ui: Address of the server's pages, for people.
        changes: What was done, or would be.
    """

    dry_run: bool = False
    ui: str = ""
    changes: list[Change] = field(default_factory=list)

    @property
    def made(self) -> list[Change]:
        """Those that are changes."""
        return [change for change in self.changes if change.action in {"created", "changed", "removed"}]

    def must_write(
        self, kind: str, name: str, wanted: Mapping[str, Any], existing: Mapping[str, Any] | None, *, detail: str = ""
    ) -> bool:
        """Write down whether a thing is new, other than declared, or as declared.

        Args:
            kind: Work pool, deployment or automation.
            name: Its name.
            wanted: What is declared, by field.
            existing: What the server holds, by the same fields; None when it holds no such thing.
            detail: Said of it in place of the fields that differ.

        Returns:
            Whether the server has to be told.
        """
        if existing is None:
            self.changes.append(Change(kind, name, "created", detail))
            return not self.dry_run
        differing = [key for key in wanted if wanted[key] != existing.get(key)]
        self.changes.append(Change(kind, name, "changed" if differing else "unchanged", detail or ", ".join(differing)))
        return bool(differing) and not self.dry_run

    def must_remove(self, kind: str, name: str) -> bool:
        """Write down that a thing of ours is declared no more; returns whether to remove it now."""
        self.changes.append(Change(kind, name, "removed"))
        return not self.dry_run

    def skip(self, kind: str, name: str, why: str) -> None:
        """Write down that a thing is not made, and why."""
        self.changes.append(Change(kind, name, "skipped", why))

    def as_document(self) -> dict[str, Any]:
        """The plan as JSON types."""
        return {"ui": self.ui, "dry_run": self.dry_run, "changes": [asdict(change) for change in self.changes]}
