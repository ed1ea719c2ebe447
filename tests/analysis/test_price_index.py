"""The index: the axioms it must keep, the drift it must not have, and no number where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gondola.analysis.price_index import IndexPoint, geks_jevons

Floats = NDArray[np.float64]


def world(seed: int, items: int = 60, periods: int = 8, missing: float = 0.2) -> Floats:
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.05, (items, periods)).cumsum(axis=1)
    prices = np.exp(random.normal(2, 0.8, (items, 1)) + np.clip(steps, -0.6, 0.6))
    prices[random.random((items, periods)) < missing] = np.nan
    return np.asarray(prices, dtype=np.float64)


def levels(prices: Floats, **options: int) -> list[float | None]:
    return [point.index for point in geks_jevons(prices, **options)]


SEEDS = st.integers(0, 10_000)


@settings(deadline=None)
@given(SEEDS)
def test_identity_same_prices_same_index(seed: int) -> None:
    prices = world(seed)
    prices[:, -1] = prices[:, 0]
    prices[:, 3] = prices[:, 0]
    found = levels(np.nan_to_num(prices, nan=7.0))
    assert found[0] == found[3] == pytest.approx(found[-1]) == pytest.approx(100)


@settings(deadline=None)
@given(SEEDS, st.floats(0.3, 3))
def test_proportionality_all_prices_times_a_factor(seed: int, factor: float) -> None:
    prices = np.repeat(world(seed, missing=0)[:, :1], 6, axis=1) * np.linspace(1, factor, 6)
    assert levels(prices) == pytest.approx(list(100 * np.linspace(1, factor, 6)))


@settings(deadline=None)
@given(SEEDS, st.floats(0.01, 100))
def test_units_of_an_item_do_not_matter(seed: int, factor: float) -> None:
    prices = world(seed)
    other = prices.copy()
    other[::3] *= factor
    assert levels(other) == pytest.approx(levels(prices))


@settings(deadline=None)
@given(SEEDS)
def test_time_reversal(seed: int) -> None:
    prices = world(seed)
    forward, backward = levels(prices)[-1], levels(prices[:, ::-1])[-1]
    assert forward is not None
    assert backward is not None
    assert forward * backward == pytest.approx(100 * 100)


@settings(deadline=None)
@given(SEEDS, st.integers(1, 6))
def test_transitivity_the_base_does_not_matter(seed: int, base: int) -> None:
    prices = world(seed)
    moved = np.concatenate([prices[:, base:], prices[:, :base]], axis=1)
    here, there = levels(prices), levels(moved)
    ratios = [h / here[base] for h in here[base:] if h and here[base]]
    assert ratios == pytest.approx([t / 100 for t in there[: len(prices[0]) - base] if t])


@settings(deadline=None)
@given(SEEDS)
def test_it_is_jevons_when_all_items_match(seed: int) -> None:
    prices = world(seed, missing=0)
    jevons = 100 * np.exp(np.log(prices).mean(axis=0) - np.log(prices[:, 0]).mean())
    assert levels(prices) == pytest.approx(list(jevons))


def test_offers_followed_by_empty_shelves_do_not_make_it_drift() -> None:
    """The stress case: same true prices at both ends; a chained monthly Jevons falls by four tenths."""
    random = np.random.default_rng(1)
    base = np.exp(random.normal(2, 0.5, (400, 1)))
    prices = np.repeat(base, 25, axis=1)
    offers = random.random((400, 25)) < 0.2
    offers[:, [0, -1]] = False
    prices[offers] *= 0.7
    gone = np.roll(offers, 1, axis=1) & (random.random((400, 25)) < 0.4)
    gone[:, [0, -1]] = False
    prices[gone] = np.nan
    logs = np.log(prices)
    chained = np.exp(sum(np.nanmean(logs[:, t] - logs[:, t - 1]) for t in range(1, 25)))
    assert chained < 0.8
    assert levels(prices)[-1] == pytest.approx(100, abs=1e-9)


def test_nothing_in_common_is_not_computable_and_never_100() -> None:
    prices = np.full((40, 3), np.nan)
    prices[:20, 0] = 5.0
    prices[20:, 1] = 9.0
    prices[:20, 2] = 6.0
    points = geks_jevons(prices)
    assert [point.index for point in points] == [100, None, pytest.approx(120)]
    assert points[1].reason == "fewer than 10 items shared with other periods"
    assert (points[1].items, points[1].matched, points[1].new, points[1].lost) == (20, 0, 20, 20)


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        (np.full((0, 2), np.nan), [None, None]),
        (np.full((5, 2), 1.0), [None, None]),
        (np.full((10, 1), 3.0), [100]),
        (np.column_stack([np.full(12, np.nan), np.full(12, 2.0), np.full(12, 3.0)]), [None, 100, 150]),
    ],
)
def test_few_prices(prices: Floats, expected: list[float | None]) -> None:
    assert levels(prices) == [pytest.approx(value) if value else None for value in expected]


def test_an_extreme_price_is_left_out_and_counted() -> None:
    prices = np.full((30, 4), 10.0)
    prices[0, 2] = 40.1
    prices[1, 3] = 40.0
    points = geks_jevons(prices)
    assert [point.excluded for point in points] == [0, 0, 1, 0]
    assert points[2].index == pytest.approx(100, rel=1e-3)
    assert points[3].index == pytest.approx(100 * 4 ** (1 / 30), rel=1e-2)


def test_beyond_the_window_published_figures_stay() -> None:
    """What was said of a period is not revised when later ones come."""
    prices = world(3, items=200, periods=40)
    whole = levels(prices)
    for until in (30, 35):
        assert levels(prices[:, :until]) == pytest.approx(whole[:until])
    steady = np.repeat(world(4, missing=0)[:, :1], 40, axis=1)
    steady[:, 20:] *= 1.1
    assert levels(steady)[-1] == pytest.approx(110)


@pytest.mark.parametrize("prices", [np.ones(3), np.array([[0.0]]), np.array([[-1.0]]), np.array([[np.inf]])])
def test_what_is_no_matrix_of_prices_is_refused(prices: Floats) -> None:
    with pytest.raises(ValueError, match=r"matrix|positive"):
        geks_jevons(prices)


def test_a_point_says_what_it_rests_on() -> None:
    prices = np.full((20, 2), 2.0)
    prices[:4, 1] = np.nan
    prices[5, 0] = np.nan
    assert geks_jevons(prices)[1] == IndexPoint(pytest.approx(100.0), 16, 15, 1, 4, 0, None)  # type: ignore[arg-type]
