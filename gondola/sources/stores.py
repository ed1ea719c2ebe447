"""The stores file: which shops are watched, where, and how gently."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from gondola.errors import ConfigurationError, UnknownNameError
from gondola.yaml_files import Strict, load_yaml

__all__ = [
    "DEFAULT_REGION",
    "Identifier",
    "Region",
    "RegionMethod",
    "Store",
    "load_stores",
    "root_url",
    "select_stores",
]

DEFAULT_REGION = "default"

# Ids become path segments and SQL literals, so they are kept plain.
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,62}$")]


def root_url(value: str) -> str:
    """The root address of a host that may be asked, without a slash at its end.

    Raises:
        ValueError: It is no root address, holds credentials, or is plain http on another machine.
    """
    parts = urlsplit(value)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path.strip("/") or parts.query:
        message = "expected the root address of the shop, as in https://www.example.com.br"
        raise ValueError(message)
    if parts.username or parts.password:
        message = "credentials do not belong in an address"
        raise ValueError(message)
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        message = "plain http is accepted for this machine only; use https"
        raise ValueError(message)
    return value.rstrip("/")


class RegionMethod(StrEnum):
    """How a store is told which region's prices are wanted."""

    NONE = "none"
    SALES_CHANNEL = "sales_channel"
    SEGMENT_V2 = "segment_v2"
    SEGMENT_SELLER = "segment_seller"
    SEARCH_REGION = "search_region"


class Region(Strict):
    """A part of a store's market with prices of its own."""

    id: Identifier
    name: str | None = None
    postal_code: str | None = None
    sales_channel: int | None = Field(default=None, ge=1)

    @field_validator("postal_code")
    @classmethod
    def _eight_digits(cls, value: str | None) -> str | None:
        if value is None:
            return None
        digits = value.replace("-", "").strip()
        if len(digits) != 8 or not digits.isdigit():
            message = 'a postal code (CEP) has eight digits, as in "88047-010"'
            raise ValueError(message)
        return digits


class Store(Strict):
    """One shop on the web."""

    id: Identifier
    name: str
    platform: Literal["vtex", "osuper"] = "vtex"
    base_url: str
    api: Literal["legacy", "is", "is_v1"] = "legacy"
    sales_channel: int | None = Field(default=None, ge=1)
    region_method: RegionMethod = RegionMethod.NONE
    concurrency: int = Field(default=4, ge=1, le=64)
    requests_per_second: float = Field(default=4.0, gt=0, le=1000)
    enabled: bool = True
    note: str | None = None
    regions: tuple[Region, ...] = ()

    _root_url = field_validator("base_url")(root_url)

    @model_validator(mode="after")
    def _consistent(self) -> Store:
        ids = [region.id for region in self.regions]
        if len(ids) != len(set(ids)):
            message = f"region ids of store {self.id!r} are not unique"
            raise ValueError(message)
        postal = {RegionMethod.SEGMENT_V2, RegionMethod.SEGMENT_SELLER, RegionMethod.SEARCH_REGION}
        for region in self.regions:
            if self.region_method in postal and region.postal_code is None:
                message = f"region {region.id!r} needs a postal_code for region_method {self.region_method.value!r}"
                raise ValueError(message)
            if self.region_method is RegionMethod.SALES_CHANNEL and region.sales_channel is None:
                message = f"region {region.id!r} needs a sales_channel for region_method 'sales_channel'"
                raise ValueError(message)
        return self

    @property
    def effective_regions(self) -> tuple[Region, ...]:
        """The regions to crawl: those named, or one called `default`."""
        return self.regions or (Region(id=DEFAULT_REGION),)

    @property
    def is_local(self) -> bool:
        """Whether the shop runs on this machine, as the sandbox does."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")


class _StoresFile(Strict):
    stores: tuple[Store, ...]

    @model_validator(mode="after")
    def _unique(self) -> _StoresFile:
        ids = [store.id for store in self.stores]
        doubled = sorted({i for i in ids if ids.count(i) > 1})
        if doubled:
            message = f"store ids are not unique: {', '.join(doubled)}"
            raise ValueError(message)
        return self


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_stores(path: Path) -> tuple[Store, ...]:
    """Read and check a stores file.

    Args:
        path: A YAML file with a `stores` list; `docs/extend.md` describes each field.

    Returns:
        The stores in the file's order, disabled ones included.

    Raises:
        ConfigurationError: The file is missing, is no YAML, or a field is wrong; the message names the field.
    """
    return load_yaml(path, _StoresFile, what="stores file", setting="GONDOLA_STORES_FILE").stores


def select_stores(stores: Sequence[Store], ids: Sequence[str], region_ids: Sequence[str] = ()) -> tuple[Store, ...]:
    """The stores, and within them the regions, that a person named.

    Args:
        stores: All stores.
        ids: Store ids; none means every enabled store of a platform that can be crawled.
        region_ids: Region ids; none means every region.

    Raises:
        UnknownNameError: A name does not exist among the stores (or their regions) chosen.
        ConfigurationError: A store that was named can't be crawled (another platform).
    """
    by_id = {store.id: store for store in stores}
    for name in ids:
        if name not in by_id:
            raise UnknownNameError(_unknown("store", name, list(by_id)))
        if by_id[name].platform != "vtex":
            message = f"store {name!r} runs on {by_id[name].platform}, which has no adapter yet; choose another store"
            raise ConfigurationError(message)
    chosen = [by_id[i] for i in dict.fromkeys(ids)] or [s for s in stores if s.enabled and s.platform == "vtex"]
    if not region_ids:
        return tuple(chosen)
    existing = {region.id for store in chosen for region in store.effective_regions}
    for name in region_ids:
        if name not in existing:
            raise UnknownNameError(_unknown("region", name, sorted(existing)))
    narrowed = (
        store.model_copy(update={"regions": tuple(r for r in store.effective_regions if r.id in region_ids)})
        for store in chosen
    )
    return tuple(store for store in narrowed if store.regions)


def _unknown(kind: str, name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(known)}"
    return f"unknown {kind} {name!r}; {hint}"
