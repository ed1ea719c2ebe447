"""Stops asking a store that fails slice after slice."""

from __future__ import annotations

__all__ = ["BREAKER_IS_OPEN", "Breaker"]

BREAKER_IS_OPEN = "not asked, because the slices before it failed one after another"


class Breaker:
    """Opens after so many failures in a row; a success in between starts the count anew."""

    def __init__(self, failures: int) -> None:
        self._allowed = failures
        self._in_a_row = 0

    @property
    def is_open(self) -> bool:
        """Whether nothing more is to be asked."""
        return self._in_a_row >= self._allowed

    def failed(self) -> None:
        """Note a failed slice."""
        self._in_a_row += 1

    def succeeded(self) -> None:
        """Note a slice that answered; an open breaker stays open until `reset`."""
        if not self.is_open:
            self._in_a_row = 0

    def reset(self) -> None:
        """Half open: let requests through and count anew."""
        self._in_a_row = 0
