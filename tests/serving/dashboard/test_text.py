"""Words, numbers and dates in both languages."""

from __future__ import annotations

import re
import string
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from gondola.serving.dashboard import text as module
from gondola.serving.dashboard.pages import PAGES
from gondola.serving.dashboard.text import NOTHING, Text, catalogue

ENGLISH, PORTUGUESE = Text("en"), Text("pt")


def test_numbers_and_dates_follow_the_language() -> None:
    assert ENGLISH.money(Decimal("1234.5")) == "R$\u00a01,234.50"
    assert PORTUGUESE.money(Decimal("1234.5")) == "R$\u00a01.234,50"
    assert PORTUGUESE.number(1234567) == "1.234.567"
    assert ENGLISH.percent(Decimal("0.1234")) == "12.3%"
    assert PORTUGUESE.percent(0.1234) == "12,3%"
    assert ENGLISH.day(date(2026, 2, 5)) == "5 Feb 2026"
    assert PORTUGUESE.day(date(2026, 2, 5)) == "5 fev. 2026"
    assert ENGLISH.moment(datetime(2026, 2, 5, 1, 30, tzinfo=UTC)) == "4 Feb 2026, 22:30"  # where the stores are


@pytest.mark.parametrize("value", [None, float("nan")])
def test_what_is_unknown_is_never_a_zero(value: float | None) -> None:
    assert {ENGLISH.number(value), ENGLISH.money(value), ENGLISH.percent(value)} == {NOTHING}
    assert ENGLISH.day(None) == ENGLISH.moment(None) == ENGLISH.yes_no(None) == ENGLISH.size(None) == NOTHING


def test_both_languages_have_the_same_places_for_values() -> None:
    def places(message: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(message) if name}

    for key, message in catalogue().items():
        assert places(message.en) == places(message.pt), key
        assert message.en.strip(), key
        assert message.pt.strip(), key


def test_every_message_that_is_asked_for_exists_and_every_one_is_used() -> None:
    folder = Path(module.__file__).parent
    source = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    asked = set(re.findall(r'text\(\s*["\']([a-z_]+\.[a-z_]+)', source))
    asked |= {f"{kind}.{spec.name}" for spec in PAGES for kind in ("page", "question")}
    assert asked <= set(catalogue())
    # Names that come from data, and those that code puts together, can't be looked for.
    composed = ("kind", "status", "severity", "system", "step", "payment", "segment", "promotion", "verdict", "check",
                "note", "column", "download")  # fmt: skip
    quoted = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', source)) | {f"product.{name}" for name in ("chain", "everywhere")}
    unused = {key for key in catalogue() if key not in asked | quoted and key.split(".")[0] not in composed}
    assert not {key for key in unused if not key.endswith((".physical_product", ".retail_sales"))}
