"""The top of every page: the question, of which day the data is, how much was seen, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from gondola.serving.dashboard.parts.states import warn_when_old
from gondola.serving.dashboard.text import NOTHING, Text
from gondola.serving.dashboard.view import View
from gondola.serving.reads import Coverage

__all__ = ["about", "about_market", "heading"]

_MOST_NAMED = 8


def heading(text: Text, page: str) -> None:
    """Title and question of a page.

    Args:
        text: The language.
        page: Its name.
    """
    st.title(text(f"page.{page}"), anchor=False)
    st.markdown(text(f"question.{page}"))


def about(view: View, *, as_of: str, coverage: str, missing: Sequence[str]) -> None:
    """Of when the data is, how much of it there is, and what is not.

    Args:
        view: The page.
        as_of: The day or moment, in words.
        coverage: How much was seen of how much there is, in words.
        missing: What is missing, each in words.
    """
    text = view.text
    named = "; ".join(missing[:_MOST_NAMED])
    if len(missing) > _MOST_NAMED:
        named += "; " + text("about.more", count=text.number(len(missing) - _MOST_NAMED))
    parts = [
        f"**{text('about.as_of')}** {as_of}",
        f"**{text('about.coverage')}** {coverage}",
        f"**{text('about.missing')}** {named or text('about.nothing')}",
        f"**{text('about.published')}** {text.moment(view.snapshot.version.published_at)}",
    ]
    with st.container(border=True, key="about"):
        st.markdown("  \n".join(parts) if missing else " · ".join(parts))
    warn_when_old(text, view.snapshot.version)


def about_market(view: View, coverage: Coverage | None) -> None:
    """The same for answers about stores.

    Args:
        view: The page.
        coverage: What was seen of the day.
    """
    text = view.text
    if coverage is None or coverage.day is None:
        about(view, as_of=NOTHING, coverage=NOTHING, missing=[text("about.no_run")])
        return
    seen = text(
        "about.shelves",
        share=text.percent(coverage.share),
        complete=text.number(len(coverage.complete)),
        all=text.number(coverage.shelves),
    )
    missing = [text("about.partial", shelf=shelf) for shelf in coverage.partial]
    missing += [text("about.unseen", shelf=shelf) for shelf in coverage.missing]
    about(view, as_of=text.day(coverage.day), coverage=seen, missing=missing)
