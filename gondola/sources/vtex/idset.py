"""A set of ids that stays small: a few bytes an id where ids are numbers, as VTEX's are."""

from __future__ import annotations

from collections.abc import Iterable

from pyroaring import BitMap64

__all__ = ["IdSet", "Key", "key_of"]

Key = int | str
_MOST_DIGITS = 18  # fits 64 bits


def key_of(identifier: str | int) -> Key:
    """The number an id stands for, when writing that number gives the same id; else the id itself."""
    text = str(identifier)
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and (text[0] != "0" or text == "0"):
        return int(text)
    return text


class IdSet:
    """Ids as a compressed bitmap, with a plain set beside it for the few that are no numbers."""

    __slots__ = ("_names", "_numbers")

    def __init__(self) -> None:
        self._numbers = BitMap64()
        self._names: set[str] = set()

    def add(self, key: Key) -> bool:
        """Add one; tell whether it is new."""
        if isinstance(key, int):
            if key in self._numbers:
                return False
            self._numbers.add(key)
        else:
            if key in self._names:
                return False
            self._names.add(key)
        return True

    def update(self, keys: IdSet | Iterable[Key]) -> None:
        """Add many."""
        if isinstance(keys, IdSet):
            self._numbers |= keys._numbers  # noqa: SLF001 - of the same class
            self._names |= keys._names  # noqa: SLF001
            return
        keys = list(keys)
        numbers = [key for key in keys if isinstance(key, int)]
        self._numbers.update(numbers)
        if len(numbers) < len(keys):
            self._names.update(key for key in keys if isinstance(key, str))

    def __contains__(self, key: Key) -> bool:
        return key in self._numbers if isinstance(key, int) else key in self._names

    def __len__(self) -> int:
        return len(self._numbers) + len(self._names)
