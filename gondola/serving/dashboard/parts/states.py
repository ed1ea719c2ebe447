"""What a page says instead of figures, or above them: nothing there yet, old, or broken; and what to do."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from gondola import clock
from gondola.serving.dashboard.text import Text
from gondola.serving.reads import DataVersion
from gondola.settings import Settings

__all__ = ["FRESH_FOR", "copy_lost", "empty", "failed", "not_loaded", "nothing_published", "warn_when_old"]

FRESH_FOR = timedelta(hours=24)

# What brings the data of a schema.
_COMMANDS = {
    "market": "gondola run market",
    "events": "gondola run events --source FOLDER",
    "jaffle_shop": "gondola run jaffle_shop",
    "physical_product": "gondola run physical_product",
    "retail_sales": "gondola run retail_sales",
    "ops": "gondola transform",
}


def nothing_published(text: Text, settings: Settings) -> None:
    """Nothing has been published in this place, ever."""
    st.info(text("state.nothing_published", warehouse=str(settings.warehouse)), icon=":material/inventory_2:")
    st.code("gondola demo\ngondola --demo dashboard", language="bash")
    st.code("gondola run market\ngondola dashboard", language="bash")


def copy_lost(text: Text, settings: Settings, version: str) -> None:
    """A version is named, but its file is gone."""
    folder = str(settings.warehouse.parent / "published")
    st.error(text("state.copy_lost", version=version, folder=folder), icon=":material/error:")
    st.code("gondola transform", language="bash")


def not_loaded(text: Text, schema: str, why: str = "") -> None:
    """The published copy holds nothing of the system a page is about."""
    st.info(text("state.not_loaded", schema=schema), icon=":material/inbox:")
    st.code(_COMMANDS.get(schema, f"gondola run {schema}"), language="bash")
    if why:
        st.caption(why)


def empty(text: Text) -> None:
    """There are no rows for what was asked."""
    st.info(text("state.empty"), icon=":material/search_off:")


def failed(text: Text, error: Exception) -> None:
    """A query did not end as it should."""
    st.error(text("state.failed", kind=type(error).__name__), icon=":material/error:")
    st.code(str(error) or type(error).__name__, language=None)
    st.button(text("state.retry"), key="retry", icon=":material/refresh:")


def warn_when_old(text: Text, version: DataVersion) -> None:
    """Say so when nothing has been published for a day."""
    published = version.published_at
    if published is None or clock.now() - published <= FRESH_FOR:
        return
    hours = (clock.now() - published) // timedelta(hours=1)
    st.warning(
        text("state.old", published=text.moment(published), hours=text.number(hours)), icon=":material/schedule:"
    )
