"""Filters whose values live in the address, so that a copied link shows the same.

The address is what counts: a widget shows what it says, and writes there what the reader chooses. Values are ids, not
labels, so a link means the same in every language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from gondola.serving.dashboard.text import Text

__all__ = ["choose", "choose_one", "period", "write", "write_in_address"]

PERIODS = ("7", "30", "90", "365", "all")


def choose(
    text: Text, name: str, options: Sequence[str], *, label: str, show: Callable[[str], str] = str
) -> str | None:
    """One of many options, or none of them for all.

    Args:
        text: The language.
        name: The filter's name in the address.
        options: The ids that can be chosen.
        label: What it is, for eyes and screen readers.
        show: How an id is shown.

    Returns:
        The id, or None when nothing is chosen.
    """
    key = _from_address(text, name, options, None)
    return st.selectbox(
        label,
        options,
        index=None,
        key=key,
        format_func=show,
        placeholder=text("filter.all"),
        on_change=write_in_address,
        args=(name,),
    )


def choose_one(
    text: Text,
    name: str,
    options: Sequence[str],
    *,
    label: str,
    default: str,
    show: Callable[[str], str] = str,
    buttons: bool = False,
) -> str:
    """Exactly one of some options.

    Args:
        text: The language.
        name: The filter's name in the address.
        options: The ids that can be chosen.
        label: What it is, for eyes and screen readers.
        default: What holds when the address says nothing.
        show: How an id is shown.
        buttons: Show a few options side by side instead of in a list.
    """
    key = _from_address(text, name, options, default)
    if buttons:
        chosen = st.segmented_control(
            label, options, key=key, format_func=show, required=True, on_change=write_in_address, args=(name, default)
        )
    else:
        chosen = st.selectbox(
            label, options, key=key, format_func=show, on_change=write_in_address, args=(name, default)
        )
    return chosen if chosen is not None else default


def write(name: str, *, label: str, placeholder: str) -> str:
    """Free text, which is searched for while it is typed.

    Args:
        name: The filter's name in the address.
        label: What it is, for eyes and screen readers.
        placeholder: An example.
    """
    key = _key(name)
    st.session_state[key] = st.query_params.get(name, "")
    typed = st.text_input(
        label,
        key=key,
        placeholder=placeholder,
        type="search",
        live="300ms",
        max_chars=100,
        on_change=write_in_address,
        args=(name, ""),
    )
    return (typed or "").strip()


def period(text: Text, *, default: str = "30", options: Sequence[str] = PERIODS) -> int | None:
    """How many days back; None for all of them.

    Args:
        text: The language.
        default: What holds when the address says nothing.
        options: Numbers of days, and `all`.
    """
    chosen = choose_one(
        text,
        "days",
        options,
        label=text("filter.period"),
        default=default,
        show=lambda days: text("filter.all_days") if days == "all" else text("filter.days", days=days),
        buttons=True,
    )
    return None if chosen == "all" else int(chosen)


def write_in_address(name: str, default: str | None = None) -> None:
    """Write into the address what a widget holds now; what is the default is left out.

    Args:
        name: The filter.
        default: Its value when the address says nothing.
    """
    value = st.session_state.get(_key(name))
    if value is None or value in {default, ""}:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def _from_address(text: Text, name: str, options: Sequence[str], default: str | None) -> str:
    """Let the widget hold what the address says; a value that does not exist is said, and left out."""
    asked = st.query_params.get(name)
    if asked is not None and asked not in options:
        st.warning(text("filter.unknown", name=name, value=asked), icon=":material/link_off:")
        asked = None
    st.session_state[_key(name)] = asked if asked is not None else default
    return _key(name)


def _key(name: str) -> str:
    return f"filter-{name}"
