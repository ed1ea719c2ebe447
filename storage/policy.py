"""The lifecycle policy: how long files stay hot, cool and archived, and when they go."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from gondola.yaml_files import Strict, load_yaml

__all__ = ["BRONZE", "LOGS", "Policy", "Rule", "load_policy"]

BRONZE = "bronze/market"  # the one folder that silver covers
LOGS = "logs"  # not on the lake: GONDOLA_LOGS
# Folders whose files are rows of a run's own diary: nothing is built from them a second time.
_DIARIES = (
    "metadata/requests",
    "metadata/slices",
    "metadata/quality",
    "metadata/alerts",
    "metadata/backfills",
    "quarantine",
)


class Rule(Strict):
    """What becomes of the files below one folder. Ages are in days; None means never."""

    name: str = Field(min_length=1)
    folder: str
    cool_after_days: int | None = Field(default=None, ge=1)
    archive_after_days: int | None = Field(default=None, ge=1)
    delete_after_days: int | None = Field(default=None, ge=1)

    @field_validator("folder")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in {BRONZE, LOGS, *_DIARIES}:
            message = (
                f"{value!r} can't expire: silver, gold and the ledger are kept for good; "
                f"folders that can are {', '.join([BRONZE, *_DIARIES, LOGS])}"
            )
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Rule:
        if self.folder == BRONZE and self.cool_after_days is None:
            message = "bronze needs cool_after_days: the age at which it is compacted"
            raise ValueError(message)
        if self.folder != BRONZE and (self.cool_after_days or self.archive_after_days):
            message = f"only {BRONZE} has tiers; give delete_after_days alone"
            raise ValueError(message)
        ages = [
            (name, age)
            for name in ("cool_after_days", "archive_after_days", "delete_after_days")
            if (age := getattr(self, name)) is not None
        ]
        for (earlier, first), (later, second) in pairwise(ages):
            if first >= second:
                message = f"{later} ({second}) must be more than {earlier} ({first})"
                raise ValueError(message)
        return self


class Policy(Strict):
    """All rules; the shape of the policy file."""

    grace_days: int = Field(default=1, ge=0)
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _once(self) -> Policy:
        for field in ("name", "folder"):
            values = [getattr(rule, field) for rule in self.rules]
            if doubled := sorted({value for value in values if values.count(value) > 1}):
                message = f"more than one rule has the {field} {', '.join(doubled)}"
                raise ValueError(message)
        return self

    def rule(self, folder: str) -> Rule | None:
        """The rule for a folder, if there is one."""
        return next((rule for rule in self.rules if rule.folder == folder), None)


def load_policy(path: Path) -> Policy:
    """Read and check a policy file.

    Args:
        path: A YAML file; `docs/lifecycle.md` describes each field.

    Raises:
        ConfigurationError: The file is missing, is no YAML, or a rule is wrong; the message names file, rule and field.
    """
    return load_yaml(path, Policy, what="lifecycle policy", setting="GONDOLA_LIFECYCLE_FILE")
