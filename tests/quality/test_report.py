"""The page about a run's checks, and the file of thresholds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gondola.errors import ConfigurationError
from gondola.quality import CheckResult, Thresholds, load_thresholds, render_report
from gondola.settings import PROJECT_ROOT

AT = datetime(2026, 2, 20, 18, tzinfo=UTC)
EVIL = "<script>alert('x')</script> & \"quoted\""


class Page(HTMLParser):
    """The texts and tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.outside += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def result(name: str, *, passed: bool, severity: str = "error", subject: str = "s", examples: int = 0) -> CheckResult:
    return CheckResult(
        name=name,
        subject=subject,
        passed=passed,
        severity=severity,  # type: ignore[arg-type]
        expected="a",
        actual=EVIL,
        day=date(2026, 2, 20),
        examples=tuple({"product": EVIL, "price": None} for _ in range(examples)),
    )


def test_whatever_stands_in_a_name_is_text() -> None:
    page = Page(render_report(
        [result("volume", passed=False, subject=EVIL, examples=3)], title=EVIL, verdict=EVIL, run_id="r", made_at=AT
    ))  # fmt: skip
    assert "script" not in page.tags
    assert page.text.count(EVIL) == 1 + 3 + 4 + 1  # title, heading and verdict; subject and finding; examples; <title>
    assert page.outside == [], "the page needs nothing beside it"


def test_the_worst_comes_first_and_is_counted() -> None:
    results = [
        result("check_a", passed=True),
        result("check_b", passed=False, severity="warn"),
        result("check_c", passed=False),
    ]
    page = Page(render_report(results, title="t", verdict="v", run_id="r", made_at=AT))
    positions = [page.text.index(name) for name in ("check_c", "check_b", "check_a")]
    assert positions == sorted(positions)
    assert "1 errors" in page.text
    assert "1 warnings" in page.text
    assert "1 passed" in page.text


def test_nothing_to_judge_is_said() -> None:
    assert "nothing to judge" in render_report([], title="t", verdict="v", run_id="r", made_at=AT)


def test_the_thresholds_file_is_complete_and_says_the_defaults() -> None:
    path = PROJECT_ROOT / "deployments" / "quality.yaml"
    assert load_thresholds(path) == Thresholds()
    written = set(re.findall(r"^\s+(\w+):", path.read_text(), flags=re.MULTILINE))
    known = {name for name, _ in Thresholds().market}
    assert known <= written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("market: {volume: {least_shares: 0.8}}", "market.volume.least_shares"),
        ("market: {volume: {least_share: 80}}", "market.volume.least_share"),
        ("market: {freshness: {warn_hours: 50}}", "error_hours must not be less"),
        ("market: [", "quality.yaml"),
        ("shops: {}", "shops"),
    ],
)
def test_a_threshold_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "quality.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        load_thresholds(path)


def test_a_missing_thresholds_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="GONDOLA_QUALITY_FILE"):
        load_thresholds(tmp_path / "none.yaml")
