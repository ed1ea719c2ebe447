"""What an answer says of itself, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from gondola.serving.dashboard.text import Text, catalogue

__all__ = ["show_notes"]


def show_notes(text: Text, notes: Sequence[str]) -> None:
    """Show the notes of an answer; each begins with a word that the catalogue may know.

    Args:
        text: The language.
        notes: As in `Answer.notes`.
    """
    for note in notes:
        word, _, rest = note.partition(": ")
        key = f"note.{word}"
        st.caption(text(key, rest=_days_in_words(text, rest)) if key in catalogue() else note)


def _days_in_words(text: Text, rest: str) -> str:
    last = rest.rsplit(" ", maxsplit=1)[-1]
    try:
        return text.day(date.fromisoformat(last))
    except ValueError:
        return rest.rpartition(": ")[2]
