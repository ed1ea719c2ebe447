"""What a page is given: one version of the data, the reader's language, and answers that are remembered by version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from gondola.serving.dashboard.text import Text
from gondola.serving.reads import PublishedCopies, Snapshot
from gondola.settings import Settings, get_settings

__all__ = ["View", "open_copies"]

_Result = TypeVar("_Result")
_MOST_ANSWERS = 500  # beside the limit of bytes over all of them, which `server_command` sets


@dataclass(frozen=True, slots=True)
class View:
    """One page as one reader sees it."""

    settings: Settings
    snapshot: Snapshot
    text: Text

    def read(self, question: Callable[..., _Result], /, *arguments: Any, **named: Any) -> _Result:
        """Ask one of `gondola.serving.reads`, or remember what it answered for this version.

        Args:
            question: A function whose first parameter is the snapshot.
            *arguments: Its further arguments.
            **named: Its arguments by name.
        """
        where = str(self.settings.warehouse)
        name = f"{question.__module__}.{question.__qualname__}"
        answer: _Result = _remembered(
            where, self.snapshot.version.name, name, arguments, named, _question=question, _snapshot=self.snapshot
        )
        return answer


@st.cache_data(show_spinner=False, max_entries=_MOST_ANSWERS)
def _remembered(
    where: str,  # noqa: ARG001 - what is not underscored tells answers apart
    version: str,  # noqa: ARG001
    name: str,  # noqa: ARG001
    arguments: tuple[Any, ...],
    named: dict[str, Any],
    *,
    _question: Callable[..., Any],
    _snapshot: Snapshot,
) -> Any:
    return _question(_snapshot, *arguments, **named)


def open_copies() -> PublishedCopies:
    """The published copies that all readers of this process share."""
    settings = get_settings()
    return _copies(str(settings.warehouse), settings.transform_memory)


@st.cache_resource(show_spinner=False, max_entries=2)
def _copies(warehouse: str, memory: str) -> PublishedCopies:  # noqa: ARG001 - other settings are other copies
    return PublishedCopies(get_settings())
