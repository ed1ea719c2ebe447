from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondola.errors import LakeKeyError
from storage.layout import (
    METADATA_KINDS,
    Bronze,
    Gold,
    Kind,
    MarketBronze,
    MarketMonth,
    MarketSilver,
    Metadata,
    Quarantine,
    RawFile,
    Report,
    SalesBronze,
    SalesSilver,
    Silver,
    format_stamp,
    make_run_id,
    parse,
    parse_stamp,
)

segments = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,30}", fullmatch=True)
parts = st.from_regex(r"[a-z0-9][a-z0-9_]{0,30}", fullmatch=True)
days = st.dates(min_value=date(1000, 1, 1))
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(min_value=datetime(1001, 1, 1), max_value=datetime(9998, 1, 1), timezones=zones)  # noqa: DTZ001
run_ids = st.builds(lambda a, b, moment: make_run_id(a, b, started_at=moment), parts, parts, moments)
fields_of_keys = st.one_of(
    st.builds(MarketBronze, parts, parts, days, moments),
    st.builds(MarketMonth, parts, parts, days, moments, archived=st.booleans()),
    st.builds(MarketSilver, parts, parts, days, moments),
    st.builds(SalesBronze, parts, days, st.none() | moments),
    st.builds(SalesSilver, parts, days, moments),
    st.builds(Bronze, segments, segments, days, moments),
    st.builds(Metadata, st.sampled_from(METADATA_KINDS), segments, run_ids),
    st.builds(RawFile, segments, run_ids, segments.map(lambda name: f"{name}.parquet")),
    st.builds(Silver, segments, segments, moments, st.none() | days),
    st.builds(Quarantine, segments, run_ids),
    st.builds(Report, segments, run_ids),
    st.builds(Gold, segments, segments, st.none() | st.tuples(segments, segments)),
)


@given(fields_of_keys)
def test_a_key_says_its_fields(fields: Kind) -> None:
    assert parse(fields.key) == fields
    assert ".." not in fields.key.split("/")
    assert fields.key.endswith({Report: ".html", SalesBronze: ".json"}.get(type(fields), ".parquet"))


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_value_leaves_its_folder(first: str, second: str) -> None:
    for make in (lambda: Gold(first, second), lambda: Bronze("s", first, date(2026, 2, 5), datetime.now(UTC))):
        try:
            fields = make()
        except LakeKeyError:
            continue
        assert len(fields.key.split("/")) == {Gold: 4, Bronze: 7}[type(fields)]
        assert parse(fields.key) == fields


@given(moments)
def test_stamps_are_utc_seconds(moment: datetime) -> None:
    assert parse_stamp(format_stamp(moment)) == moment.replace(microsecond=0)


def test_the_keys_of_the_design() -> None:
    started = datetime(2026, 2, 5, 14, 32, 0, 999, tzinfo=UTC)
    bronze = MarketBronze("bistek", "florianopolis_costeira", date(2026, 2, 5), started)
    assert bronze.key == (
        "bronze/market/supermarket=bistek/region=florianopolis_costeira/year=2026/month=02/day=05/"
        "run_20260205T143200Z.parquet"
    )
    assert bronze.run_id == "bistek-florianopolis_costeira-20260205T143200Z"
    month = "bronze/market/supermarket=bistek/region=default/year=2026/month=02/compacted_20260601T030000Z.parquet"
    compacted = datetime(2026, 6, 1, 3, tzinfo=UTC)
    assert MarketMonth("bistek", "default", date(2026, 2, 5), compacted).key == month
    assert MarketMonth("bistek", "default", date(2026, 2, 1), compacted, archived=True).key == f"archive/{month}"
    assert MarketSilver("bistek", "default", date(2026, 2, 28), compacted).key == (
        "silver/market/offers/supermarket=bistek/region=default/month=2026-02/compacted_20260601T030000Z.parquet"
    )
    assert Metadata("runs", "market", bronze.run_id).key == (
        "metadata/runs/system=market/year=2026/month=02/day=05/bistek-florianopolis_costeira-20260205T143200Z.parquet"
    )
    assert Quarantine("market", bronze.run_id).key == (
        "quarantine/market/year=2026/month=02/day=05/bistek-florianopolis_costeira-20260205T143200Z.parquet"
    )
    assert Gold("market", "fct_prices_daily", ("month", "2026-02")).key == (
        "gold/market/fct_prices_daily/month=2026-02/data.parquet"
    )
    assert Gold("shared", "dim_date").key == "gold/shared/dim_date/data.parquet"


def test_a_store_that_closes_late_keeps_its_own_day() -> None:
    started = datetime(2026, 2, 5, 23, 30, tzinfo=timezone(timedelta(hours=-3)))
    bronze = MarketBronze("bistek", "default", date(2026, 2, 5), started)
    assert "/day=05/run_20260206T023000Z.parquet" in bronze.key
    assert "/day=06/" in Metadata("runs", "market", bronze.run_id).key


@pytest.mark.parametrize(
    "value", ["", "..", ".hidden", "a/b", "a\\b", "a=b", "a b", "ã", "a*", "a'b", "%2e", "x" * 201]
)
def test_values_that_are_no_segment(value: str) -> None:
    with pytest.raises(LakeKeyError):
        MarketBronze(value, "default", date(2026, 2, 5), datetime.now(UTC))
    with pytest.raises(LakeKeyError):
        Gold("market", "t", ("month", value))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "bronze/market",
        "bronze/market/supermarket=a/region=b/year=2026/month=02/day=30/run_20260205T143200Z.parquet",
        "bronze/market/supermarket=a/region=b/year=2026/month=02/day=05/run_20260205.parquet",
        "metadata/runs/system=market/year=2026/month=02/day=06/a-b-20260205T143200Z.parquet",
        "metadata/other/system=market/year=2026/month=02/day=05/a-b-20260205T143200Z.parquet",
        "bronze/market/supermarket=a/region=b/year=2026/month=13/compacted_20260205T143200Z.parquet",
        "archive/bronze/market/supermarket=a/region=b/year=2026/month=02/day=01/run_20260205T143200Z.parquet",
        "silver/market/offers/supermarket=a/region=b/month=2026-2/compacted_20260205T143200Z.parquet",
        "silver/market/offers/supermarket=a/region=b/month=2026-02/data.parquet",
        "gold/market/_manifest.json",
        "gold/market/t/x/y/data.parquet",
    ],
)
def test_keys_of_others_are_refused(key: str) -> None:
    with pytest.raises(LakeKeyError):
        parse(key)


def test_names_of_runs_are_unique() -> None:
    with pytest.raises(LakeKeyError, match="divides"):
        make_run_id("a-b", "c", started_at=datetime.now(UTC))
    with pytest.raises(LakeKeyError, match="no zone"):
        make_run_id("a", started_at=datetime(2026, 2, 5))  # noqa: DTZ001
    with pytest.raises(LakeKeyError, match="no stamp"):
        Metadata("runs", "market", "bistek-default")
