"""Products of real stores, and oddities, as rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gondola.sources.vtex.products import Offer, Seller, decode_product
from gondola.sources.vtex.rows import Batch, ImpossibleValueError, choose_seller, row_of
from gondola.sources.vtex.teasers import normalise_teasers
from tests.replay import product
from tests.sources.vtex.harness import recorded

Json = dict[str, Any]


def rows_of(one: Json, regional: tuple[str, ...] = ()) -> list[Json]:
    decoded = decode_product(json.dumps(one).encode())
    batch = Batch()
    for item in decoded.items or ():
        batch.add(row_of(decoded, item, fetched_at=1_770_000_000_000_000, slice_key="*", regional=regional), None)
    found: list[Json] = batch.table("run").to_pylist()
    return found


@pytest.mark.parametrize("name", ["bistek_edge_cases.json", "giassi_edge_cases.json"])
def test_real_edge_cases_keep_what_the_store_said(name: str) -> None:
    for one in json.loads(recorded(name).read_text()):
        for row, item in zip(rows_of(one), one["items"], strict=True):
            offer = item["sellers"][0]["commertialOffer"]
            assert (row["product_id"], row["sku_id"], row["ean"]) == (one["productId"], item["itemId"], item["ean"])
            assert row["price"] == Decimal(str(offer["Price"]))
            assert row["list_price"] == Decimal(str(offer["ListPrice"]))
            assert row["price_without_discount"] == Decimal(str(offer["PriceWithoutDiscount"]))
            assert row["is_available"] is offer["IsAvailable"]
            assert row["unit_multiplier"] == Decimal(str(item["unitMultiplier"]))
            assert row["category_ids"] == one["categoriesIds"][0]
            assert row["product_name"] == one["productName"]


def test_price_per_unit_and_per_increment_are_kept_apart() -> None:
    """A cake of 25.90 a kilo, sold by 550 g."""
    by_id = {one["productId"]: one for one in json.loads(recorded("giassi_edge_cases.json").read_text())}
    (row,) = rows_of(by_id["10696"])
    assert (row["price"], row["full_selling_price"]) == (Decimal("25.9000"), Decimal("14.2400"))
    assert (row["measurement_unit"], row["unit_multiplier"]) == ("kg", Decimal("0.550000"))


def test_the_official_examples_of_the_search_api_are_read() -> None:
    examples = json.loads(recorded("vtex_official_examples.json").read_text())
    (row,) = rows_of(examples["is_v1 /product-search/{facets}"]["products"][0])
    assert (row["sku_id"], row["price"], row["spot_price"]) == ("2000534", Decimal("197.9900"), Decimal("197.9900"))
    assert row["is_available"] is True
    assert row["available_quantity"] == 10000
    (row,) = rows_of(examples["is_v1 /products"])
    assert (row["brand_id"], row["seller_id"], row["list_price"]) == ("9001", "1", Decimal("1299.9900"))
    (row,) = rows_of(examples["legacy_products_search"][0])
    assert json.loads(row["teasers"]) == [
        {"name": "TesteInfoAdicional", "kind": "club", "minimum_quantity": 0, "percent": 1.0, "amount": None}
    ]


def seller(number: str, price: float = 1.0, *, default: bool = False, available: bool = True) -> Seller:
    return Seller(id=number, is_default=default, offer=Offer(price=price, is_available=available))


@pytest.mark.parametrize(
    ("sellers", "regional", "chosen"),
    [
        ([seller("1", default=True), seller("2")], (), "1"),
        ([seller("1", default=True, available=False), seller("2")], (), "1"),
        ([seller("1", available=False), seller("2")], (), "2"),
        ([seller("1", available=False), seller("2", available=False)], (), "1"),
        ([seller("1", default=True), seller("2")], ("2",), "2"),
        ([seller("1", default=True), seller("2", available=False), seller("3")], ("2", "3"), "3"),
        ([seller("1"), seller("2", default=True)], ("1", "2"), "2"),
        ([seller("1", default=True)], ("9",), "1"),
        ([], ("1",), None),
    ],
)
def test_the_seller_of_the_region_comes_first(
    sellers: list[Seller], regional: tuple[str, ...], chosen: str | None
) -> None:
    assert choose_seller(sellers, regional).id == chosen


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2026-06-21T00:00:00Z", datetime(2026, 6, 21, tzinfo=UTC)),
        ("2026-06-21T00:00:00.1234567Z", datetime(2026, 6, 21, 0, 0, 0, 123456, tzinfo=UTC)),
        ("2026-06-20T21:00:00-03:00", datetime(2026, 6, 21, tzinfo=UTC)),
        ("2026-06-21T00:00:00", datetime(2026, 6, 21, tzinfo=UTC)),
        ("4000-01-01T03:00:00Z", datetime(4000, 1, 1, 3, tzinfo=UTC)),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_price_validity_is_a_time_or_unknown(said: str | None, kept: datetime | None) -> None:
    one = product(1, 1)
    one["items"][0]["sellers"][0]["commertialOffer"]["PriceValidUntil"] = said
    other = product(2, 1)
    (row,) = rows_of(one)
    assert row["price_valid_until"] == kept
    one["items"] += other["items"]  # an odd value must not cost its neighbour
    assert rows_of(one)[1]["price_valid_until"] == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("cents", [1, 29, 1781, 999999, 100_000_01, 57, 114, 435])
def test_prices_are_exact_to_the_cent(cents: int) -> None:
    (row,) = rows_of(product(1, 1, price=cents / 100))
    assert row["price"] * 100 == cents


def test_unknown_is_not_zero() -> None:
    one = product(1, 1)
    one["items"][0] |= {"unitMultiplier": None, "sellers": [], "ean": None}
    (row,) = rows_of(one)
    assert [row[name] for name in ("price", "list_price", "unit_multiplier", "ean", "seller_id")] == [None] * 5
    assert row["is_available"] is False


@pytest.mark.parametrize("value", [-0.01, 1e10, 1e300])
def test_impossible_values_are_named(value: float) -> None:
    with pytest.raises(ImpossibleValueError, match="Price is"):
        rows_of(product(1, 1, price=value))


def teasers(text: str) -> Any:
    found = normalise_teasers(msgspec.json.decode(text.encode(), type=Offer))
    return None if found is None else json.loads(found)


MULTI_BUY = {"name": "Leve 3", "kind": "multi_buy", "minimum_quantity": 3, "percent": 33.3, "amount": None}


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        ('{"Teasers":[],"PromotionTeasers":[]}', None),
        ('{"teasers":null}', None),
        ("{}", None),
        (
            (
                '{"Teasers":[],"PromotionTeasers":[{"Name":"Leve 3","Conditions":{"MinimumQuantity":3,"Parameters":[]},'
                '"Effects":{"Parameters":[{"Name":"PercentualDiscount","Value":"33,3"}]}}]}'
            ),
            [MULTI_BUY],
        ),
        (
            (
                '{"Teasers":[{"<Name>k__BackingField":"Leve 3","<Conditions>k__BackingField":'
                '{"<MinimumQuantity>k__BackingField":3,"<Parameters>k__BackingField":[]},"<Effects>k__BackingField":'
                '{"<Parameters>k__BackingField":[{"<Name>k__BackingField":"PercentualDiscount",'
                '"<Value>k__BackingField":"33.3"}]}}]}'
            ),
            [MULTI_BUY],
        ),
        (
            (
                '{"teasers":[{"name":"Leve 3","conditions":{"minimumQuantity":3,"parameters":[]},'
                '"effects":{"parameters":[{"name":"PercentualDiscount","value":33.3}]}}]}'
            ),
            [MULTI_BUY],
        ),
        (
            (
                '{"teasers":[{"name":"Clube Loja","conditions":null,'
                '"effects":{"parameters":[{"name":"NominalDiscount","value":"2.50"}]}}]}'
            ),
            [{"name": "Clube Loja", "kind": "club", "minimum_quantity": None, "percent": None, "amount": 2.5}],
        ),
        (
            '{"teasers":[{"name":"Frete","effects":{"parameters":[{"name":"PercentualDiscount","value":"a lot"}]}}]}',
            [{"name": "Frete", "kind": "other", "minimum_quantity": None, "percent": None, "amount": None}],
        ),
        ('{"teasers":"none"}', None),
    ],
)
def test_teasers_of_all_spellings_have_one_shape(offer: str, expected: Any) -> None:
    assert teasers(offer) == expected
