"""Chance for whole arrays at once: a draw depends only on its keys, so a day needs no other day's draws."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gondola.sandbox.chance import draw

__all__ = ["Bools", "Dice", "Floats", "Ints", "scrambled"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_Words = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def scrambled(numbers: NDArray[Any]) -> _Words:
    """64-bit numbers that look drawn; different numbers stay different (splitmix64's last step)."""
    x = numbers.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@lru_cache(maxsize=256)
def _salt(seed: int, name: str) -> int:
    return draw("events", seed, name)


class Dice:
    """Draws of one world. `name` tells apart what is drawn, the keys tell apart for whom."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def words(self, name: str, *keys: NDArray[Any] | int) -> _Words:
        """64-bit numbers, one for each row of the keys."""
        word = np.full(1, _salt(self.seed, name), np.uint64)
        for key in keys:
            number = np.atleast_1d(np.asarray(key)).astype(np.uint64)
            word = scrambled((word ^ number) * _GOLDEN + _GOLDEN)
        return word

    def unit(self, name: str, *keys: NDArray[Any] | int) -> Floats:
        """Fractions from 0 to 1, 1 excluded."""
        return (self.words(name, *keys) >> np.uint64(11)).astype(np.float64) * (1.0 / (1 << 53))

    def below(self, limit: NDArray[Any] | int, name: str, *keys: NDArray[Any] | int) -> Ints:
        """Whole numbers from 0 to `limit`, `limit` excluded."""
        return np.floor(self.unit(name, *keys) * limit).astype(np.int64)

    def pick(self, weights: tuple[float, ...], name: str, *keys: NDArray[Any] | int) -> Ints:
        """Indices into `weights`, each as often as it weighs."""
        shares = np.cumsum(weights) / sum(weights)
        return np.minimum(np.searchsorted(shares, self.unit(name, *keys), side="right"), len(weights) - 1)
