from __future__ import annotations

from pathlib import Path

import pytest

from gondola.errors import ConfigurationError, UnknownNameError
from gondola.settings import PROJECT_ROOT
from gondola.sources.stores import DEFAULT_REGION, Store, load_stores, select_stores


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "stores.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def store(**fields: object) -> Store:
    return Store.model_validate({"id": "a", "name": "A", "base_url": "https://www.example.com.br"} | fields)


def test_the_shipped_file_is_good() -> None:
    stores = {s.id: s for s in load_stores(PROJECT_ROOT / "stores.yaml")}
    assert len(stores["bistek"].regions) == 13
    assert {"bistek", "giassi", "fort"} <= set(stores)
    assert len([s for s in stores.values() if s.enabled and s.id not in {"bistek", "giassi", "fort"}]) >= 5
    assert stores["fort"].platform == "osuper"
    assert not stores["fort"].enabled


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stores: [", "not valid YAML"),
        ("shops: []", "shops"),
        ("stores:\n- {id: Bad Id, name: x, base_url: 'https://a.b'}", r"stores\[Bad Id\]\.id"),
        ("stores:\n- {id: a, name: x, base_url: 'https://a.b/path'}", r"stores\[a\]\.base_url"),
        ("stores:\n- {id: a, name: x, base_url: 'http://a.b'}", "use https"),
        ("stores:\n- {id: a, name: x, base_url: 'https://u:p@a.b'}", "credentials"),
        ("stores:\n- {id: a, name: x, base_url: 'https://a.b', colour: red}", r"stores\[a\]\.colour"),
        (
            "stores:\n- {id: a, name: x, base_url: 'https://a.b', regions: [{id: r, postal_code: '123'}]}",
            r"regions\[r\]\.postal_code",
        ),
        (
            "stores:\n- {id: a, name: x, base_url: 'https://a.b', region_method: segment_v2, regions: [{id: r}]}",
            "needs a postal_code",
        ),
        (
            "stores:\n- {id: a, name: x, base_url: 'https://a.b', region_method: sales_channel, regions: [{id: r}]}",
            "needs a sales_channel",
        ),
        (
            "stores:\n- {id: a, name: x, base_url: 'https://a.b'}\n- {id: a, name: y, base_url: 'https://a.c'}",
            "not unique: a",
        ),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_stores(write(tmp_path, text))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="GONDOLA_STORES_FILE"):
        load_stores(tmp_path / "none.yaml")


def test_a_store_without_regions_has_one() -> None:
    assert [r.id for r in store().effective_regions] == [DEFAULT_REGION]


def test_selection() -> None:
    stores = (
        store(id="a", regions=[{"id": "north"}, {"id": "south"}]),
        store(id="b"),
        store(id="c", enabled=False),
        store(id="d", platform="osuper"),
    )
    assert [s.id for s in select_stores(stores, [])] == ["a", "b"]
    assert [s.id for s in select_stores(stores, ["c"])] == ["c"]
    narrowed = select_stores(stores, [], ["south"])
    assert [(s.id, [r.id for r in s.regions]) for s in narrowed] == [("a", ["south"])]
    with pytest.raises(UnknownNameError, match="did you mean 'north'"):
        select_stores(stores, ["a"], ["nort"])
    with pytest.raises(UnknownNameError, match="known: a, b, c, d"):
        select_stores(stores, ["zzz"])
    with pytest.raises(ConfigurationError, match="osuper"):
        select_stores(stores, ["d"])
