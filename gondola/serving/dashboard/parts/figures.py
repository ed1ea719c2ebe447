"""A row of single figures, which wraps on a narrow screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import streamlit as st

__all__ = ["Figure", "show_figures"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its name, and what it was before."""

    label: str
    value: str
    change: str | None = None
    good: Literal["up", "down", "neither"] = "neither"
    help: str | None = None


def show_figures(figures: Iterable[Figure]) -> None:
    """Show figures side by side.

    Args:
        figures: The figures, said in the reader's language.
    """
    colours: dict[str, Literal["normal", "inverse", "off"]] = {"up": "normal", "down": "inverse", "neither": "off"}
    with st.container(horizontal=True, gap="small"):
        for figure in figures:
            st.metric(
                figure.label,
                figure.value,
                figure.change,
                delta_color=colours[figure.good],
                help=figure.help,
                delta_arrow="off" if figure.good == "neither" else "auto",
                border=True,
                height="stretch",
                width=190,
            )
