"""The retailers file: whose sales are fetched, from where, and which variables hold the secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, field_validator, model_validator

from gondola.errors import ConfigurationError, UnknownNameError
from gondola.sources.stores import Identifier, root_url
from gondola.yaml_files import Strict, hint, load_yaml

if TYPE_CHECKING:
    from gondola.sources.retailers.base import Retailer

__all__ = ["RetailerConfig", "load_retailers", "make_retailer", "select_retailers"]

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,99}$")]


class RetailerConfig(Strict):
    """One retailer."""

    id: Identifier
    name: str
    api: Literal["alfa", "boreal", "costa"]
    base_url: str
    time_zone: str = "America/Sao_Paulo"
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "BRL"
    page_size: int = Field(default=500, ge=1, le=10_000)
    concurrency: int = Field(default=1, ge=1, le=16)
    requests_per_second: float = Field(default=2.0, gt=0, le=1000)
    enabled: bool = True
    secrets: Mapping[str, VariableName]
    note: str | None = None

    _root_url = field_validator("base_url")(root_url)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            message = "expected the name of a time zone, as in America/Sao_Paulo"
            raise ValueError(message) from None
        return value

    @field_validator("secrets")
    @classmethod
    def _not_our_settings(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if any(name.startswith("GONDOLA_") for name in value.values()):
            message = "a variable of a secret can't begin with GONDOLA_, which settings do"
            raise ValueError(message)
        return value


class _RetailersFile(Strict):
    retailers: tuple[RetailerConfig, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> _RetailersFile:
        ids = [retailer.id for retailer in self.retailers]
        doubled = sorted({i for i in ids if ids.count(i) > 1})
        if doubled:
            message = f"retailer ids are not unique: {', '.join(doubled)}"
            raise ValueError(message)
        return self


def load_retailers(path: Path) -> tuple[RetailerConfig, ...]:
    """Read and check a retailers file.

    Args:
        path: A YAML file with a `retailers` list; `docs/retail_sales.md` describes each field.

    Raises:
        ConfigurationError: The file is missing, is no YAML, or a field is wrong; the message names the field.
    """
    return load_yaml(path, _RetailersFile, what="retailers file", setting="GONDOLA_RETAILERS_FILE").retailers


def select_retailers(retailers: Sequence[RetailerConfig], ids: Sequence[str] = ()) -> tuple[RetailerConfig, ...]:
    """The retailers a person named; all enabled ones when none is.

    Raises:
        UnknownNameError: There is no such retailer.
        ConfigurationError: None is named, and none is enabled.
    """
    by_id = {retailer.id: retailer for retailer in retailers}
    for name in ids:
        if name not in by_id:
            message = f"unknown retailer {name!r}; {hint(name, list(by_id))}"
            raise UnknownNameError(message)
    chosen = tuple(by_id[name] for name in dict.fromkeys(ids)) or tuple(one for one in retailers if one.enabled)
    if not chosen:
        message = "no retailer is enabled; fill in retailers.yaml, or name another file with GONDOLA_RETAILERS_FILE"
        raise ConfigurationError(message)
    return chosen


def make_retailer(config: RetailerConfig) -> Retailer:
    """A retailer that can be asked: its class, with its secrets from the environment.

    Raises:
        ConfigurationError: A secret is not named, or its variable is not set.
    """
    from gondola.sources.retailers.alfa import Alfa
    from gondola.sources.retailers.boreal import Boreal
    from gondola.sources.retailers.costa import Costa

    classes: Mapping[str, type[Retailer]] = {"alfa": Alfa, "boreal": Boreal, "costa": Costa}
    kind = classes[config.api]
    if set(config.secrets) != set(kind.secret_names):
        message = f"retailer {config.id}: secrets must name variables for {', '.join(kind.secret_names)}"
        raise ConfigurationError(message)
    unset = [name for name in config.secrets.values() if not os.environ.get(name)]
    if unset:
        message = f"retailer {config.id}: {', '.join(unset)} is not set; put the secret there, or disable the retailer"
        raise ConfigurationError(message)
    return kind(config, {what: os.environ[name] for what, name in config.secrets.items()})
