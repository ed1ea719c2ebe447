"""Promotion teasers ("take 3, pay 2", club prices) of both API families, in one shape."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from gondola.sources.vtex.products import Offer

__all__ = ["normalise_teasers"]

_NOTHING = (msgspec.Raw(b"[]"), msgspec.Raw(), msgspec.Raw(b"null"))
_BACKING_FIELD = re.compile(r"^<(.+)>k__BackingField$")
_CLUB = re.compile(r"\bclub|\bcart[aã]o|fidelidade|\bcliente|\bapp\b", re.IGNORECASE)
# Conditions that tie a promotion to a card or a group of customers.
_CLUB_CONDITIONS = frozenset({"paymentmethodid", "restrictionsbins", "clusterexpressions", "clusteroperator"})
_PERCENT = frozenset({"percentualdiscount"})
_AMOUNT = frozenset({"nominaldiscount", "maximumunitpricediscount"})
_MULTI_BUY_FROM = 2


def normalise_teasers(offer: Offer) -> str | None:
    """The teasers of an offer as a JSON list, or None when it has none.

    Args:
        offer: `PromotionTeasers` and `Teasers` hold the same list in two spellings (the old one leaks .NET
            backing fields); Intelligent Search has `teasers`. The first that has entries is read.

    Returns:
        JSON list of `{name, kind, minimum_quantity, percent, amount}`.
    """
    for raw in (offer.promotion_teasers, offer.search_teasers, offer.old_teasers):
        if raw in _NOTHING:
            continue
        parsed = _plain(msgspec.json.decode(raw))
        entries = [_entry(teaser) for teaser in parsed if isinstance(teaser, dict)] if isinstance(parsed, list) else []
        if entries:
            return msgspec.json.encode(entries).decode()
    return None


def _plain(value: Any) -> Any:
    """The same value with `<Name>k__BackingField`, `Name` and `name` all spelt `name`."""
    if isinstance(value, dict):
        return {_BACKING_FIELD.sub(r"\1", key).lower(): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def _entry(teaser: dict[str, Any]) -> dict[str, Any]:
    name = str(teaser.get("name") or "")
    conditions = teaser.get("conditions")
    effects = _parameters(teaser.get("effects"))
    minimum = _number(conditions.get("minimumquantity")) if isinstance(conditions, dict) else None
    if minimum is not None and minimum >= _MULTI_BUY_FROM:
        kind = "multi_buy"
    elif _CLUB.search(name) or _CLUB_CONDITIONS & _parameters(conditions).keys():
        kind = "club"
    else:
        kind = "other"
    return {
        "name": name,
        "kind": kind,
        "minimum_quantity": int(minimum) if minimum is not None and minimum.is_integer() else minimum,
        "percent": next((_number(effects[key]) for key in sorted(_PERCENT & effects.keys())), None),
        "amount": next((_number(effects[key]) for key in sorted(_AMOUNT & effects.keys())), None),
    }


def _parameters(holder: Any) -> dict[str, Any]:
    parameters = holder.get("parameters") if isinstance(holder, dict) else None
    if not isinstance(parameters, list):
        return {}
    return {str(p.get("name") or "").lower(): p.get("value") for p in parameters if isinstance(p, dict)}


def _number(value: Any) -> float | None:
    """A number, or text that holds one with a comma or a point; anything else is unknown."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value.replace(",", ".")) if isinstance(value, str) else float(value)
    except ValueError:
        return None
