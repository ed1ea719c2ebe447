"""Chance that is the same on every machine: numbers drawn from keys, never from a hidden state.

`hash()` of a string differs between processes and the order of a set is nobody's promise, so neither is used
anywhere in the sandbox. A draw depends only on its key; asking for day 300 does not walk through 299 others.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

__all__ = ["chosen", "draw", "mix", "unit"]

T = TypeVar("T")
_MASK = (1 << 64) - 1


def draw(*parts: object) -> int:
    """A 64-bit number for a key made of these parts."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def mix(key: int, step: int) -> int:
    """A 64-bit number for `step` of the sequence that belongs to `key` (splitmix64: cheap enough per SKU and day)."""
    x = (key + step * 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def unit(number: int) -> float:
    """A drawn number as a fraction from 0 to 1."""
    return number / (1 << 64)


def chosen(options: Sequence[T], number: int) -> T:
    """The option that a drawn number points at."""
    return options[number % len(options)]
