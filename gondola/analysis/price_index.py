"""A price index from scraped prices: GEKS-Jevons, without quantities, spliced beyond 25 periods.

Between two periods, Jevons' index is the geometric mean of the price ratios of the items priced in both. Chained from
month to month it drifts (offers and sold-out days push it down for good), so all pairs of periods of a window are
taken: the GEKS index from s to t is the geometric mean, over every period r of the window, of the Jevons indices from
s to r and from r to t. It is transitive. Windows are joined by the mean splice on published figures, so that what was
said is not revised. Method: ONS, "Introducing multilateral index methods" and "New index number methods" (2020), for
data without expenditure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXTREME_RATIO", "WINDOW", "IndexPoint", "geks_jevons"]

WINDOW = 25
EXTREME_RATIO = 4.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """The index of one period, and what it rests on."""

    index: float | None  # 100 in the base period; None when it can't be computed
    items: int  # priced in the period
    matched: int  # of them, priced in the base period, too
    new: int  # priced in this period and not in the one before
    lost: int  # priced in the one before and not in this one
    excluded: int  # prices left out as extreme
    reason: str | None  # why there is no index


def geks_jevons(
    prices: Floats, *, window: int = WINDOW, minimum: int = 10, extreme_ratio: float = EXTREME_RATIO
) -> list[IndexPoint]:
    """Compute the index of every period; the first that can be compared with another is the base.

    Args:
        prices: Mean prices, a row for each item and a column for each period; NaN where there is none.
        window: Periods whose pairs are taken together, two at least.
        minimum: Items that two periods must share for their ratio to count.
        extreme_ratio: A price more than so many times above or below its item's median is left out.

    Returns:
        A point for each period. A period that shares too few items with the others has no index, never 100.

    Raises:
        ValueError: The prices are no matrix, or not positive, or the window is too short.
    """
    if prices.ndim != 2 or window < 2 or minimum < 1 or extreme_ratio <= 1:
        message = f"expected a matrix, a window of 2 or more and a minimum of 1 or more; got {prices.shape}, {window}"
        raise ValueError(message)
    if (prices <= 0).any() or np.isinf(prices).any():
        message = "a price is positive, or NaN when there is none"
        raise ValueError(message)
    logs, excluded = _without_extremes(np.log(prices), np.log(extreme_ratio))
    known = ~np.isnan(logs)
    items = known.sum(axis=0)
    base = _base(logs, np.flatnonzero(items >= minimum), window, minimum)
    published = _published(logs, base, window, minimum) if base is not None else {}
    points = []
    for period in range(prices.shape[1]):
        here = known[:, period]
        before = known[:, period - 1] if period else np.zeros_like(here)
        matched = int((here & known[:, base]).sum()) if base is not None else 0
        log_index = published.get(period)
        points.append(
            IndexPoint(
                index=None if log_index is None else float(100 * np.exp(log_index)),
                items=int(items[period]),
                matched=matched,
                new=int((here & ~before).sum()) if period else 0,
                lost=int((before & ~here).sum()),
                excluded=int(excluded[period]),
                reason=None if log_index is not None else _reason(int(items[period]), minimum),
            )
        )
    return points


def _reason(items: int, minimum: int) -> str:
    if not items:
        return "no prices"
    return f"fewer than {minimum} items" if items < minimum else f"fewer than {minimum} items shared with other periods"


def _without_extremes(logs: Floats, limit: float) -> tuple[Floats, NDArray[np.int64]]:
    if not logs.size:
        return logs, np.zeros(logs.shape[1], dtype=np.int64)
    counted = np.where(np.all(np.isnan(logs), axis=1, keepdims=True), 0.0, logs)  # a median of nothing would only warn
    with np.errstate(invalid="ignore"):
        # Rounding in the logarithm must not decide a price that lies on the limit.
        extreme = np.abs(logs - np.nanmedian(counted, axis=1)[:, None]) > limit + 1e-9
    return np.where(extreme, np.nan, logs), extreme.sum(axis=0)


def _base(logs: Floats, candidates: NDArray[np.int64], window: int, minimum: int) -> int | None:
    """The first period that others can be compared with; the first at all when there is none."""
    for period in candidates:
        levels = _levels(logs[:, period : period + window], minimum)
        if 0 in levels and len(levels) > 1:
            return int(period)
    return int(candidates[0]) if candidates.size else None


def _published(logs: Floats, base: int, window: int, minimum: int) -> dict[int, float]:
    """Logarithms of the published index by period; what can't be computed is left out."""
    last = logs.shape[1]
    first_window = range(base, min(base + window, last))
    levels = _levels(logs[:, first_window.start : first_window.stop], minimum)
    if 0 not in levels:
        return {base: 0.0}
    published = {base + period: level - levels[0] for period, level in levels.items()}
    for period in range(first_window.stop, last):
        start = period - window + 1
        levels = _levels(logs[:, start : period + 1], minimum)
        shared = [known for known in published if start <= known and known - start in levels]
        if window - 1 in levels and shared:
            links = [published[known] + levels[window - 1] - levels[known - start] for known in shared]
            published[period] = float(np.mean(links))
    return published


def _levels(logs: Floats, minimum: int) -> dict[int, float]:
    """GEKS levels of the periods of one window, those that hang together; on a scale of their own."""
    known = (~np.isnan(logs)).astype(np.float64)
    filled = np.where(np.isnan(logs), 0.0, logs)
    shared = known.T @ known
    # sums[s, t]: the sum of log(p_t / p_s) over items priced in both.
    sums = known.T @ filled - filled.T @ known
    linked = shared >= minimum
    kept = list(range(logs.shape[1]))
    # Every pair must be there, or the index is not transitive: the period with the fewest links goes first, a later
    # one before an earlier one.
    while kept:
        links = linked[np.ix_(kept, kept)].sum(axis=1)
        if links.min() == len(kept):
            break
        kept.pop(len(kept) - 1 - int(np.argmin(links[::-1])))
    ratios = sums[np.ix_(kept, kept)] / np.maximum(shared[np.ix_(kept, kept)], 1)
    return {period: float(level) for period, level in zip(kept, ratios.mean(axis=0), strict=True)} if kept else {}
