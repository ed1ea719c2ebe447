"""Words, numbers and dates in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import RootModel

from gondola.clock import BUSINESS_ZONE
from gondola.yaml_files import Strict, load_yaml

__all__ = ["LANGUAGES", "NOTHING", "Language", "Text", "catalogue"]

Language = Literal["en", "pt"]
LANGUAGES: dict[Language, str] = {"en": "English", "pt": "Português"}
NOTHING = "\u2013"  # what is unknown, never a 0

_MONTHS: dict[Language, tuple[str, ...]] = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "pt": ("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"),
}
_WEEKDAYS: dict[Language, tuple[str, ...]] = {
    "en": ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"),
    "pt": ("dom", "seg", "ter", "qua", "qui", "sex", "sáb"),
}
_SWAP = str.maketrans({",": ".", ".": ","})


class _Message(Strict):
    en: str
    pt: str


class _Catalogue(RootModel[dict[str, _Message]]):
    pass


@cache
def catalogue() -> Mapping[str, _Message]:
    """Every message, by key."""
    return load_yaml(Path(__file__).with_name("messages.yaml"), _Catalogue, what="catalogue of messages").root


@dataclass(frozen=True, slots=True)
class Text:
    """Says things in one language; what is null is said as a dash."""

    language: Language

    def __call__(self, key: str, **values: str) -> str:
        """A message of the catalogue.

        Args:
            key: Its key.
            **values: What stands in its braces.
        """
        message: str = getattr(catalogue()[key], self.language)
        return message.format(**values) if values else message

    def name_of(self, kind: str, value: str) -> str:
        """A name from data (a status, a step) in words, or itself when the catalogue does not know it.

        Args:
            kind: What it is a name of, such as `status`.
            value: The name.
        """
        return self(f"{kind}.{value}") if f"{kind}.{value}" in catalogue() else value

    def number(self, value: Decimal | float | None, decimals: int = 0) -> str:
        """A number with the language's separators.

        Args:
            value: The number.
            decimals: Digits behind the decimal sign.
        """
        if value is None or value != value:  # noqa: PLR0124 - not a number is not itself
            return NOTHING
        plain = f"{value:,.{decimals}f}"
        return plain.translate(_SWAP) if self.language == "pt" else plain

    def money(self, value: Decimal | float | None) -> str:
        """An amount in BRL."""
        said = self.number(value, 2)
        return said if said == NOTHING else f"R$\u00a0{said}"

    def percent(self, value: Decimal | float | None, decimals: int = 1) -> str:
        """A share of 1, as per cent."""
        said = self.number(None if value is None else value * 100, decimals)
        return said if said == NOTHING else f"{said}%"

    def size(self, value: float | None) -> str:
        """Bytes, in megabytes."""
        return NOTHING if value is None else f"{self.number(value / 1e6, 1)}\u00a0MB"

    def day(self, value: date | None) -> str:
        """A day."""
        if value is None or value != value:  # noqa: PLR0124 - pandas' missing day is not itself
            return NOTHING
        month = _MONTHS[self.language][value.month - 1]
        return f"{value.day} {month} {value.year}" if self.language == "en" else f"{value.day} {month}. {value.year}"

    def moment(self, value: datetime | None) -> str:
        """A moment, as clocks show it where the stores are."""
        if value is None or value != value:  # noqa: PLR0124
            return NOTHING
        there = value.astimezone(BUSINESS_ZONE)
        return f"{self.day(there.date())}, {there:%H:%M}"

    def yes_no(self, value: bool | None) -> str:  # noqa: FBT001 - a value that is shown
        """Yes or no."""
        return NOTHING if value is None else self("word.yes" if value else "word.no")

    def chart_locale(self) -> dict[str, Any]:
        """How charts write numbers and dates."""
        english = self.language == "en"
        months, days = list(_MONTHS[self.language]), list(_WEEKDAYS[self.language])
        return {
            "number": {
                "decimal": "." if english else ",",
                "thousands": "," if english else ".",
                "grouping": [3],
                "currency": ["R$ ", ""],
            },
            "time": {
                "dateTime": "%d %b %Y %H:%M",
                "date": "%d %b %Y" if english else "%d/%m/%Y",
                "time": "%H:%M",
                "periods": ["AM", "PM"],
                "days": days,
                "shortDays": days,
                "months": months,
                "shortMonths": months,
            },
        }
