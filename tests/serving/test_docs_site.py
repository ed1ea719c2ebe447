"""Every table that readers see is described: owner, grain, an example that runs, columns, tests, lineage."""

from __future__ import annotations

import json
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from gondola.serving.docs import DocsSite, build_docs, serve_docs
from gondola.serving.docs.site import public_tables
from gondola.serving.query import run_query
from tests.platform import Platform
from tests.serving.conftest import Published


@pytest.fixture(scope="module")
def manifest(published: Published) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((published.settings.warehouse.parent / "dbt" / "manifest.json").read_text())
    return found


@pytest.fixture(scope="module")
def site(published: Published, tmp_path_factory: pytest.TempPathFactory) -> DocsSite:
    return build_docs(published.settings, tmp_path_factory.mktemp("site") / "docs")


def test_every_public_table_has_owner_grain_and_example(manifest: dict[str, Any]) -> None:
    tables = public_tables(manifest, {})
    assert len(tables) > 20
    for table in tables:
        assert table.owner, table.name
        assert table.grain.startswith("one row for each"), table.name
        assert table.name in table.example, table.name
        assert table.description, table.name
        assert all(meaning for _, _, meaning in table.columns), table.name
        assert table.tests, table.name


def test_every_mart_is_public(manifest: dict[str, Any]) -> None:
    hidden = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and not {"staging", "intermediate"} & set(node["path"].split("/"))
        and node["access"] != "public"
    ]
    assert hidden == []


def test_every_example_runs_on_what_is_published(manifest: dict[str, Any], published: Published) -> None:
    built = {"market", "events", "jaffle_shop", "ops", "shared"}
    examples = [table.example for table in public_tables(manifest, {}) if table.name.split(".")[0] in built]
    assert len(examples) > 20
    for example in examples:
        run_query(published.settings, example.rstrip(";"), max_rows=10)


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.links += [values["href"]] if tag == "a" and values.get("href") else []  # type: ignore[list-item]
        self.ids += [values["id"]] if values.get("id") else []  # type: ignore[list-item]


def test_the_site_shows_tables_tests_and_lineage(site: DocsSite, manifest: dict[str, Any]) -> None:
    assert sorted(path.name for path in site.path.iterdir()) == ["dbt.html", "index.html"]
    text = (site.path / "index.html").read_text()
    page = Page()
    page.feed(text)
    names = {table.name for table in public_tables(manifest, {})}
    assert names <= set(page.ids)
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} == names
    lineage = {link.partition("#!/model/")[2] for link in page.links if "#!/model/" in link}
    assert lineage <= manifest["nodes"].keys()
    dbt = (site.path / "dbt.html").read_text()
    assert all(node in dbt for node in lineage)
    assert site.version
    assert site.version in text


def test_results_of_the_last_build_are_shown(manifest: dict[str, Any]) -> None:
    node = next(n for n in manifest["nodes"].values() if n["resource_type"] == "test" and n.get("attached_node"))
    results = {node["unique_id"]: {"status": "fail", "message": "3 <rows>"}}
    tables = public_tables(manifest, results)
    shown = [test for table in tables for test in table.tests if test.name == node["name"]]
    assert [(test.status, test.message) for test in shown] == [("fail", "3 <rows>")]
    others = {test.status for table in tables for test in table.tests if test.name != node["name"]}
    assert others == {"not run"}


def test_the_site_is_served_on_this_machine(site: DocsSite) -> None:
    told: list[str] = []
    Thread(target=serve_docs, args=(site.path, 0, told.append), daemon=True).start()
    while not told:
        pass
    assert told[0].startswith("http://127.0.0.1:")
    with urllib.request.urlopen(told[0], timeout=10) as answer:
        assert b"market.fct_prices_daily" in answer.read()


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine.txt").write_text("mine")
    done = Platform(tmp_path).command("docs", "--out", str(tmp_path / "site"))
    assert done.code == 2
    assert "name another folder" in " ".join(done.err.split())
    assert (tmp_path / "site" / "mine.txt").read_text() == "mine"
