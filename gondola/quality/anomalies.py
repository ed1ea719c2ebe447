"""Days on which a series does what it never does: a robust z-score against its own season.

The method is the modified z-score of Iglewicz and Hoaglin (How to Detect and Handle Outliers, 1993): the distance from
the median, measured in median absolute deviations, as neither is moved by the outliers it is to find. What is usual
is the median of the same season (by default the weekday), so that a strong Saturday is no surprise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, median

__all__ = ["Anomaly", "Point", "find_anomalies", "robust_scores"]

_MAD_TO_SIGMA = 1.4826  # of a normal distribution; Rousseeuw and Croux 1993
_MEAN_AD_TO_SIGMA = 1.2533  # where more than half of the deviations are 0: Iglewicz and Hoaglin 1993


@dataclass(frozen=True, slots=True)
class Point:
    """A day of a series."""

    day: date
    value: float


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A point that is far from what is usual."""

    day: date
    value: float
    usual: float
    score: float  # in standard deviations of what is left when the season is taken off; its sign says the direction


def find_anomalies(
    points: Sequence[Point],
    *,
    season: Callable[[date], Hashable] = date.weekday,
    least_points: int = 28,
    least_score: float = 6.0,
    least_share: float = 0.5,
) -> list[Anomaly]:
    """Find the points of a series that are anomalous.

    Args:
        points: The series, one point a day, in any order.
        season: What days have in common that are compared with one another.
        least_points: A series of fewer is not judged.
        least_score: How far off a point must be, in robust standard deviations.
        least_share: How far off it must be as a share of what is usual, so that a very steady series is not
            reported for a trifle.

    Returns:
        The anomalies, by day; none of a series that is too short.
    """
    if len(points) < least_points:
        return []
    ordered = sorted(points, key=lambda point: point.day)
    seasons = [season(point.day) for point in ordered]
    values = [point.value for point in ordered]
    usual = _usual(values, seasons)
    return [
        Anomaly(point.day, point.value, middle, score)
        for point, middle, score in zip(ordered, usual, robust_scores(values, seasons), strict=True)
        if abs(score) >= least_score and abs(point.value - middle) >= least_share * abs(middle)
    ]


def robust_scores(values: Sequence[float], seasons: Sequence[Hashable]) -> list[float]:
    """The modified z-score of each value.

    Args:
        values: The series.
        seasons: What each value is compared with: those of the same season.

    Returns:
        Signed distances from what is usual, in robust standard deviations; all 0 for a series without deviation.
    """
    residuals = [value - middle for value, middle in zip(values, _usual(values, seasons), strict=True)]
    if not residuals:
        return []
    middle = median(residuals)
    distances = [abs(residual - middle) for residual in residuals]
    scale = _MAD_TO_SIGMA * median(distances) or _MEAN_AD_TO_SIGMA * fmean(distances)
    return [(residual - middle) / scale if scale else 0.0 for residual in residuals]


def _usual(values: Sequence[float], seasons: Sequence[Hashable]) -> list[float]:
    """The median of each value's season."""
    groups: dict[Hashable, list[float]] = defaultdict(list)
    for value, name in zip(values, seasons, strict=True):
        groups[name].append(value)
    middles = {name: median(group) for name, group in groups.items()}
    return [middles[name] for name in seasons]
