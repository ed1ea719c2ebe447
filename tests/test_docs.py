"""No page sends a reader to a file, a heading or a setting that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gondola.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), *(ROOT / "deployments").glob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The names GitHub gives a page's headings."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert not broken, f"{page.name} leads nowhere: {broken}"


def test_every_setting_that_is_named_exists() -> None:
    sources = [page for folder in ("gondola", "flows", "tasks", "storage", "deployments") for page in files(folder)]
    named = {
        (page.relative_to(ROOT).as_posix(), name)
        for page in [*PAGES, *sources]
        for name in re.findall(r"\bGONDOLA_([A-Z_]*[A-Z])\b", page.read_text(encoding="utf-8"))
    }
    unknown = {(page, name) for page, name in named if name.lower() not in Settings.model_fields}
    assert not unknown


def files(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".yaml", ".md"}]
