from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gondola import clock


def test_the_clock_can_be_put_forward_and_comes_back() -> None:
    real = datetime.now(UTC)
    with clock.put_forward(timedelta(days=3)):
        assert timedelta(days=3) <= clock.now() - real < timedelta(days=3, minutes=5)
        with clock.put_forward(timedelta(days=4)):
            assert clock.now() - real >= timedelta(days=4)
        assert clock.now() - real < timedelta(days=3, minutes=5)
    assert clock.now() - real < timedelta(minutes=5)


def test_the_business_day_is_that_of_sao_paulo() -> None:
    midnight = datetime.now(UTC).replace(hour=1, minute=30, second=0, microsecond=0) + timedelta(days=2)
    with clock.put_forward(midnight - datetime.now(UTC)):
        assert clock.today() == midnight.date() - timedelta(days=1), "it is still yesterday there"
