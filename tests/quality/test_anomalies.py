"""The robust z-score: what it can't be moved by, and what it must find."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondola.quality.anomalies import Point, find_anomalies, robust_scores

START = date(2026, 1, 5)  # a Monday
VALUES = st.lists(st.integers(-1000, 1000), min_size=7, max_size=120)


def series(values: list[float]) -> list[Point]:
    return [Point(START + timedelta(days=number), value) for number, value in enumerate(values)]


def seasons(values: list[int]) -> list[int]:
    return [number % 7 for number in range(len(values))]


def close(a: list[float], b: list[float]) -> bool:
    return len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9) for x, y in zip(a, b, strict=True))


@given(VALUES, st.integers(-50, 50), st.integers(1, 20))
def test_scores_do_not_depend_on_the_unit(values: list[int], shift: int, factor: int) -> None:
    moved = [factor * value + shift for value in values]
    assert close(robust_scores(values, seasons(values)), robust_scores(moved, seasons(values)))
    mirrored = robust_scores([-value for value in values], seasons(values))
    assert close([-score for score in robust_scores(values, seasons(values))], mirrored)


@given(VALUES, st.lists(st.integers(-500, 500), min_size=7, max_size=7))
def test_a_season_is_taken_off_whatever_it_is(values: list[int], week: list[int]) -> None:
    with_season = [value + week[number % 7] for number, value in enumerate(values)]
    assert close(robust_scores(values, seasons(values)), robust_scores(with_season, seasons(values)))


@given(st.lists(st.integers(0, 100), min_size=7, max_size=7), st.integers(4, 15))
def test_a_series_that_repeats_itself_has_nothing_strange(week: list[int], weeks: int) -> None:
    assert find_anomalies(series([float(value) for value in week] * weeks)) == []


@given(
    st.lists(st.integers(90, 110), min_size=56, max_size=90),
    st.lists(st.sampled_from([1.0, 1.5, 0.7]), min_size=7, max_size=7),
    st.data(),
)
def test_one_day_that_is_far_off_is_found_and_no_other(
    noise: list[int], week: list[float], data: st.DataObject
) -> None:
    values = [value * week[number % 7] for number, value in enumerate(noise)]
    place = data.draw(st.integers(0, len(values) - 1))
    values[place] *= data.draw(st.sampled_from([5.0, 0.01]))
    found = find_anomalies(series(values), least_score=3.5)
    assert [one.day for one in found] == [START + timedelta(days=place)]
    assert (found[0].score > 0) == (found[0].value > found[0].usual)


def test_short_and_empty_series_are_not_judged() -> None:
    assert find_anomalies([]) == []
    assert robust_scores([], []) == []
    assert find_anomalies(series([1.0] * 20 + [1e9])) == []
    assert len(find_anomalies(series([1.0] * 20 + [1e9]), least_points=7)) == 1, (
        "deviation of the mean, where most are 0"
    )


@pytest.mark.parametrize(("share", "found"), [(0.5, 0), (0.1, 1)])
def test_a_steady_series_is_not_reported_for_a_trifle(share: float, found: int) -> None:
    values = [100.0 + (number % 3) * 0.1 for number in range(60)]
    values[40] = 120.0
    assert len(find_anomalies(series(values), least_share=share)) == found
