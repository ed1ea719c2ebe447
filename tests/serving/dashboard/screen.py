"""A page of the dashboard in a real browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.platform import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "docs" / "images"
_WAIT = 60_000
# Streamlit says when a script has ended; until then what is seen may be of the run before.
_AT_REST = (
    "document.querySelector('[data-testid=\"stApp\"]')?.dataset.testScriptState === 'notRunning'"
    " && !document.querySelector('[data-testid=\"stSkeleton\"]')"
)


@dataclass
class Screen:
    """One tab."""

    page: Page
    address: str
    outside: list[str] = field(default_factory=list)  # what it asked of other machines

    def open(self, path: str = "") -> Screen:
        self.page.goto(f"{self.address}/{path}")
        self.page.wait_for_selector("h1", timeout=_WAIT)
        return self.rest()

    def rest(self) -> Screen:
        self.page.wait_for_function(_AT_REST, timeout=_WAIT)
        self.page.wait_for_timeout(150)
        self.page.wait_for_function(_AT_REST, timeout=_WAIT)
        return self

    @property
    def text(self) -> str:
        return self.page.inner_text('[data-testid="stMain"]')

    @property
    def figures(self) -> dict[str, str]:
        """Label and value of each single figure."""
        labels = self.page.locator('[data-testid="stMetricLabel"]').all_inner_texts()
        values = self.page.locator('[data-testid="stMetricValue"]').all_inner_texts()
        return {label.strip(): value.strip() for label, value in zip(labels, values, strict=True)}

    @property
    def query(self) -> str:
        return self.page.url.partition("?")[2]

    def choose(self, label: str, option: str, query: str) -> None:
        """Pick from a list the way a keyboard does, until the address says so and the page is drawn."""
        box = self.page.get_by_role("combobox", name=re.compile(label)).first
        box.click()
        box.fill(option)
        self.page.get_by_role("option", name=re.compile(option)).first.wait_for(timeout=_WAIT)
        box.press("Enter")
        self.page.wait_for_url(f"**{query}*", timeout=_WAIT)
        self.rest()

    def download(self, key: str) -> bytes:
        with self.page.expect_download(timeout=_WAIT) as waiting:
            self.page.locator(f".st-key-{key} button").first.click()
        return Path(waiting.value.path()).read_bytes()

    def violations(self) -> list[dict[str, Any]]:
        """What axe calls serious or critical, with where it is; Streamlit's own parts are judged like ours."""
        if not AXE.exists():
            pytest.skip("axe is missing: npm ci")
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            {"rule": item["id"], "where": node["target"][0] if node["target"] else "", "html": node["html"][:300]}
            for item in found["violations"]
            if item["impact"] in ("serious", "critical")
            for node in item["nodes"]
        ]

    def picture(self, name: str) -> None:
        """Keep a picture for the docs, when asked to: `make screenshots`."""
        if os.environ.get("DOCS_SCREENSHOTS"):
            self.page.wait_for_timeout(1500)  # charts and tables are drawn after the script has ended
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=PICTURES / f"dashboard-{name}.png")


@contextmanager
def screen(browser: Browser, address: str, **context: Any) -> Iterator[Screen]:
    """A tab of its own, with its own storage."""
    settings = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", "reduced_motion": "reduce"} | context
    opened = browser.new_context(**settings)
    try:
        tab = Screen(opened.new_page(), address)

        def note(request: Request) -> None:
            if not request.url.startswith((address, address.replace("http", "ws"), "data:", "blob:")):
                tab.outside.append(request.url)

        tab.page.on("request", note)
        yield tab
    finally:
        opened.close()
