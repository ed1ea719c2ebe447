"""The alerts file: which rules are watched, from what threshold, and who is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    ByteSize,
    Field,
    StringConstraints,
    model_validator,
)

from gondola.errors import UnknownNameError
from gondola.yaml_files import Strict, hint, load_yaml

__all__ = ["AlertsFile", "Channel", "ChannelKind", "Rule", "Rules", "Severity", "StoreRule", "load_alerts"]

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]


def _variable(value: str) -> str:
    # Variables of our own prefix are settings, and an unknown setting ends every command. The value is not shown:
    # what stands there by mistake may be the secret itself.
    if not _VARIABLE.fullmatch(value) or value.startswith("GONDOLA_"):
        message = "expected the name of an environment variable (A-Z, 0-9, _; not GONDOLA_…), not its value"
        raise ValueError(message)
    return value


Variable = Annotated[str, AfterValidator(_variable)]


class Severity(StrEnum):
    """How soon somebody has to act."""

    CRITICAL = "critical"
    WARNING = "warning"


class ChannelKind(StrEnum):
    """The forms a message can take."""

    SLACK = "slack"
    DISCORD = "discord"
    TEAMS = "teams"
    PAGERDUTY = "pagerduty"
    EMAIL = "email"
    WEBHOOK = "webhook"


class Channel(Strict):
    """A place messages go to. Its address is a secret, so the file names the variable that holds it."""

    name: Name
    kind: ChannelKind
    variable: Variable
    endpoint: str = Field(default=_PAGERDUTY, description="PagerDuty only: where its events go, as in the EU.")
    header_variables: dict[str, Variable] = Field(
        default_factory=dict, description="Webhook only: headers, each with the variable that holds its value."
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.header_variables and self.kind is not ChannelKind.WEBHOOK:
            message = "header_variables are for channels of kind webhook"
            raise ValueError(message)
        if self.endpoint != _PAGERDUTY and self.kind is not ChannelKind.PAGERDUTY:
            message = "endpoint is for channels of kind pagerduty; the address of others is in their variable"
            raise ValueError(message)
        if urlsplit(self.endpoint).scheme not in {"http", "https"}:
            message = "endpoint is an address such as https://events.eu.pagerduty.com/v2/enqueue"
            raise ValueError(message)
        return self


class Rule(Strict):
    """What every rule has."""

    enabled: bool = True
    severity: Severity = Severity.WARNING
    channels: tuple[Name, ...] | None = Field(default=None, description="Who is told; every channel by default.")
    remind_hours: float | None = Field(
        default=None, ge=0, description="Said again after; by default 24 for critical alerts, 0 (never) for others."
    )
    settle_minutes: float = Field(default=0, ge=0, description="How long it must be well before it counts as over.")

    @property
    def remind_after(self) -> timedelta | None:
        """How long after a message the next one is due while an alert is open; None for never."""
        hours = self.remind_hours
        if hours is None:
            hours = 24 if self.severity is Severity.CRITICAL else 0
        return timedelta(hours=hours) if hours else None


class StoreRule(Rule):
    """A rule about store-regions."""

    stores: tuple[str, ...] | None = Field(default=None, description="Ids of the stores watched; all by default.")

    def watches(self, store: str | None) -> bool:
        """Whether a store is under this rule; None for a run of no store."""
        return self.stores is None or store in self.stores


class RunFailedRule(Rule):
    """The last finished run of a deployment failed or crashed."""

    severity: Severity = Severity.CRITICAL


class RunLateRule(Rule):
    """A run was due and did not start."""

    minutes: float = Field(default=15, gt=0)


class StaleStoreRule(StoreRule):
    """A store-region has had no complete run."""

    severity: Severity = Severity.CRITICAL
    hours: float = Field(default=24, gt=0)
    grace_minutes: float = Field(default=120, ge=0, description="A daily crawl does not end at the same minute.")


class SuccessRateRule(StoreRule):
    """Too many runs of a system are not complete."""

    share: float = Field(default=0.95, gt=0, le=1)
    days: int = Field(default=7, ge=1, le=9)
    min_runs: int = Field(default=10, ge=1)
    systems: tuple[str, ...] = ("market", "events", "jaffle_shop", "physical_product", "retail_sales")


class ProductCountRule(StoreRule):
    """A complete run has far fewer products than those before it."""

    share: float = Field(default=0.80, gt=0, le=1)
    runs: int = Field(default=7, ge=1, le=9, description="Days of complete runs the mean is taken of.")
    min_runs: int = Field(default=3, ge=1)


class BuildFailedRule(Rule):
    """A dbt model or test failed, or the publish did."""

    severity: Severity = Severity.CRITICAL


class GateTrippedRule(Rule):
    """The quality gate kept a build from its readers."""

    severity: Severity = Severity.CRITICAL


class ChecksFailedRule(Rule):
    """The last look at what is published found what is not as it should be."""

    warnings: tuple[str, ...] = Field(
        default=("anomaly",), description="Checks that are told of even where they are only a warning."
    )


class StorageRule(Rule):
    """The disk is nearly full, or the lake over its budget."""

    disk_share: float = Field(default=0.80, gt=0, le=1)
    budgets: dict[str, ByteSize] = Field(
        default_factory=dict, description="Most bytes of a lake, by its URI; `default` is for those not named."
    )


class Rules(Strict):
    """Every rule there is; one that the file leaves out has its defaults."""

    run_failed: RunFailedRule = RunFailedRule()
    run_late: RunLateRule = RunLateRule()
    stale_store: StaleStoreRule = StaleStoreRule()
    success_rate: SuccessRateRule = SuccessRateRule()
    product_count: ProductCountRule = ProductCountRule()
    build_failed: BuildFailedRule = BuildFailedRule()
    gate_tripped: GateTrippedRule = GateTrippedRule()
    checks_failed: ChecksFailedRule = ChecksFailedRule()
    storage: StorageRule = StorageRule()

    def by_name(self) -> dict[str, Rule]:
        """The rules by their names in the file."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class AlertsFile(Strict):
    """The whole file."""

    version: Literal[1] = 1
    channels: tuple[Channel, ...] = ()
    rules: Rules = Rules()

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        names = [channel.name for channel in self.channels]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            message = f"channels: names are not unique: {', '.join(doubled)}"
            raise ValueError(message)
        for rule, policy in self.rules.by_name().items():
            for name in policy.channels or ():
                if name not in names:
                    message = f"rules.{rule}.channels: {_unknown('channel', name, names)}"
                    raise ValueError(message)
        return self

    def channels_of(self, rule: str) -> tuple[Channel, ...]:
        """Who is told of a rule's alerts."""
        wanted = self.rules.by_name()[rule].channels
        return self.channels if wanted is None else tuple(c for c in self.channels if c.name in wanted)

    def channel(self, name: str) -> Channel:
        """A channel by its name.

        Raises:
            UnknownNameError: There is none.
        """
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise UnknownNameError(_unknown("channel", name, [channel.name for channel in self.channels]))

    def check_stores(self, ids: Sequence[str]) -> None:
        """Refuse rules that name a store which does not exist: they would watch nothing.

        Args:
            ids: The stores of the stores file.

        Raises:
            UnknownNameError: A rule names another.
        """
        for rule, policy in self.rules.by_name().items():
            for name in getattr(policy, "stores", None) or ():
                if name not in ids:
                    raise UnknownNameError(f"alerts file: rules.{rule}.stores: {_unknown('store', name, ids)}")


def load_alerts(path: Path) -> AlertsFile:
    """Read and check an alerts file.

    Args:
        path: A YAML file; `docs/alerts.md` describes each field.

    Raises:
        ConfigurationError: The file is missing, is no YAML, or a field is wrong; the message names rule and field.
    """
    return load_yaml(path, AlertsFile, what="alerts file", setting="GONDOLA_ALERTS_FILE")


def _unknown(kind: str, name: str, known: Sequence[str]) -> str:
    return f"unknown {kind} {name!r}; {hint(name, known)}"
