"""Around every page: language, navigation, the version of the data, and what is shown when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import streamlit as st
from loguru import logger

from gondola.errors import GondolaError, LakeKeyError
from gondola.logs import add_json_log, configure_logs
from gondola.serving.dashboard.pages import PAGES, PageSpec
from gondola.serving.dashboard.parts import states
from gondola.serving.dashboard.parts.filters import choose_one
from gondola.serving.dashboard.parts.header import heading
from gondola.serving.dashboard.text import LANGUAGES, Language, Text
from gondola.serving.dashboard.usage import count_view
from gondola.serving.dashboard.view import View, open_copies
from gondola.serving.reads import NotBuiltError, Snapshot
from gondola.settings import get_settings
from storage.publish import CATALOG

__all__ = ["draw", "run"]

_ICON = Path(__file__).with_name("icon.svg")  # a named one would be fetched from the web
_LOOK_EVERY = timedelta(seconds=5)


def run() -> None:
    """Draw the page that the address names."""
    _keep_log()
    st.set_page_config(page_title="Gondola", page_icon=str(_ICON), layout="wide")
    text = Text(_language())
    version = open_copies().version()
    pages = [_page(spec, text) for spec in _offered(_schemas(version.name if version else None))]
    # Without sections: their headings make Streamlit's list one that screen readers can't follow.
    current = st.navigation(pages, position="sidebar", expanded=True)
    with st.sidebar:
        choose_one(
            text, "lang", list(LANGUAGES), label=text("filter.language"), default=text.language, show=_name_of_language,
            buttons=True,
        )  # fmt: skip
        st.caption(text("sidebar.about"))
    current.run()


def draw(name: str) -> None:
    """Draw one page.

    Args:
        name: Its name.
    """
    spec = next(spec for spec in PAGES if spec.name == name)
    text = Text(_language())
    settings = get_settings()
    copies = open_copies()
    version = copies.version()
    _count(spec)
    _look_for_new_data(version.name if version else None)
    heading(text, spec.name)
    try:
        with copies.snapshot() as snapshot:
            view = View(settings, snapshot, text)
            if spec.schema and not snapshot.has_schema(spec.schema):
                states.not_loaded(text, spec.schema)
                return
            spec.show(view)
    except LakeKeyError:
        if version is None:
            states.nothing_published(text, settings)
        else:
            states.copy_lost(text, settings, version.name)
    except NotBuiltError as error:
        states.not_loaded(text, spec.schema or "ops", str(error))
    except GondolaError as error:
        logger.warning("the page {} failed: {}", spec.name, error)
        states.failed(text, error)
    except Exception as error:  # noqa: BLE001 - whatever happens, a reader is told, and what to do
        logger.opt(exception=error).error("the page {} failed", spec.name)
        states.failed(text, error)


@st.cache_resource(show_spinner=False)
def _keep_log() -> None:
    """Once in a process: what fails is found in the log folder, too."""
    configure_logs(get_settings(), stderr=False)
    add_json_log(get_settings())


def _language() -> Language:
    """As the address says, or as chosen before, or as the browser likes it."""
    asked = st.query_params.get("lang") or st.session_state.get("language")
    if asked not in LANGUAGES:
        asked = "pt" if (st.context.locale or "").lower().startswith("pt") else "en"
    language: Language = "pt" if asked == "pt" else "en"
    if "lang" in st.query_params or "language" in st.session_state:
        # Going to another page empties the address; the language stays.
        st.session_state["language"] = language
        st.query_params["lang"] = language
    return language


def _name_of_language(name: str) -> str:
    return LANGUAGES["pt" if name == "pt" else "en"]


def _page(spec: PageSpec, text: Text) -> st.Page:
    return st.Page(
        partial(draw, spec.name),
        title=text(f"page.{spec.name}"),
        icon=spec.icon,
        url_path=spec.name,
        default=spec is PAGES[0],
    )


def _offered(schemas: Sequence[str]) -> list[PageSpec]:
    """The pages of every house, and those of systems that only some run when their tables are there."""
    return [spec for spec in PAGES if spec.always or spec.schema in schemas]


@st.cache_data(show_spinner=False, max_entries=4)
def _schemas(version: str | None) -> list[str]:
    if version is None:
        return []
    try:
        with open_copies().snapshot() as snapshot:
            return _schemas_of(snapshot)
    except Exception:  # noqa: BLE001 - the page itself says what is wrong
        return []


def _schemas_of(snapshot: Snapshot) -> list[str]:
    found = snapshot.rows(
        "select distinct schema_name from duckdb_tables() where database_name = $catalog", catalog=CATALOG
    )
    return [row["schema_name"] for row in found]


def _count(spec: PageSpec) -> None:
    if st.session_state.get("counted") != spec.name:
        st.session_state["counted"] = spec.name
        count_view(get_settings(), spec.name)


@st.fragment(run_every=_LOOK_EVERY)
def _look_for_new_data(shown: str | None) -> None:
    """Draw the page anew when a build has been published since."""
    current = open_copies().version()
    if (current.name if current else None) != shown:
        st.rerun()
