"""How hard one host may be pressed: requests in flight, requests a second, and rests it asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from gondola.errors import HostCoolingError

__all__ = ["Governor"]

_BURST_SECONDS = 0.1
_LOWEST_SHARE = 1 / 32
_RATE_STEP = 1 / 50


class Governor:
    """One host's limits, shared by everything that asks it.

    Both limits are halved when the host throttles, once per round of requests, and grow back by small
    steps with each good answer; nothing but a good answer ever raises them. A rest that the host asked
    for holds for all its requests, and who waits here holds no slot of anything else.
    """

    def __init__(
        self,
        host: str,
        *,
        concurrency: int,
        rate: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.host = host
        self._most_active = self._limit = float(concurrency)
        self._highest_rate = self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._active = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._rest_until = clock()
        self._next_send = self._last_cut = -1e9

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return max(1, int(self._limit))

    @property
    def rate(self) -> float:
        """Requests a second allowed now."""
        return self._rate

    def restrict(self, *, concurrency: int | None = None, rate: float | None = None) -> None:
        """Take the stricter of the present and these limits, as when two stores share a host."""
        if concurrency is not None:
            self._most_active = min(self._most_active, concurrency)
            self._limit = min(self._limit, self._most_active)
        if rate is not None:
            self._highest_rate = min(self._highest_rate, rate)
            self._rate = min(self._rate, self._highest_rate)

    @property
    def resting(self) -> bool:
        """Whether the host asked to be left alone at present."""
        return self._rest_until > self._clock()

    async def enter(self, longest_wait: float) -> None:
        """Wait for permission to send one request; `leave` gives it back.

        Raises:
            HostCoolingError: The host asked for a rest longer than `longest_wait` seconds.
        """
        while True:
            await self._await_rest(longest_wait)
            await self._take_slot()
            try:
                await self._pace()
                if not self.resting:  # it may have asked for a rest while we waited our turn
                    return
            except BaseException:
                self.leave()
                raise
            self.leave()

    def leave(self) -> None:
        """Give a permission back."""
        self._active -= 1
        self._wake()

    def succeeded(self) -> None:
        """Note a good answer: allow a little more."""
        self._limit = min(self._most_active, self._limit + 1 / self._limit)
        self._rate = min(self._highest_rate, self._rate + self._highest_rate * _RATE_STEP)
        self._wake()

    def throttled(self, *, sent_at: float, rest: float) -> None:
        """Note that the host refused for load: halve both limits and rest.

        Args:
            sent_at: When the refused request was sent. Refusals of one round count once.
            rest: Seconds for which nothing is sent.
        """
        now = self._clock()
        self._rest_until = max(self._rest_until, now + rest)
        if sent_at < self._last_cut:
            return
        self._last_cut = now
        self._limit = max(1.0, self._limit / 2)
        self._rate = max(self._highest_rate * _LOWEST_SHARE, self._rate / 2)

    async def _await_rest(self, longest_wait: float) -> None:
        while (remaining := self._rest_until - self._clock()) > 0:
            if remaining > longest_wait:
                message = f"{self.host} asked to be left alone for {remaining:.0f} s, longer than we wait"
                raise HostCoolingError(message)
            await self._sleep(remaining)

    async def _take_slot(self) -> None:
        if self._active < self.limit and not self._waiters:
            self._active += 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter  # who wakes us has counted us in
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.leave()
            raise

    def _wake(self) -> None:
        while self._waiters and self._active < self.limit:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._active += 1
                waiter.set_result(None)

    async def _pace(self) -> None:
        now = self._clock()
        self._next_send = max(self._next_send, now - _BURST_SECONDS) + 1 / self._rate
        pause = self._next_send - 1 / self._rate - now
        if pause > 0:
            await self._sleep(pause)
