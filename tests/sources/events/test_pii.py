"""No personal data reaches rows, refusals or messages; what is met is said."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from gondola.errors import ConfigurationError, DataContractError
from gondola.sources.events import Kind, PiiPolicy
from tests.sources.events.harness import FORMATS, KEY, POLICY, Read, encode, event, read

SECRETS = (
    "ana@example.com",
    "bob%40example.com",
    "555-1234",
    "203.0.113.9",
    "123.456.789-00",
    "Ana Lima",
    "+5548999990000",
)
USER = {"user_id": "u1", "E-Mail": "Ana@Example.com ", "phone": "555-1234", "name": "Ana Lima", "ip": "203.0.113.9"}


def said(found: Read) -> str:
    return f"{found.rows} {found.rejected} {found.file.columns.new}"


@pytest.mark.parametrize("form", FORMATS)
def test_personal_columns_of_users(form: str, tmp_path: Path) -> None:
    record = USER | {"signup_date": "2026-01-02", "country": "BR", "segment": "new"}
    found = read(encode(form, [record]), tmp_path, kind=Kind.USERS, key=KEY)
    [row] = found.rows
    digest = hmac.new(KEY.get_secret_value().encode(), b"ana@example.com", hashlib.sha256).hexdigest()
    assert row["email_hash"] == digest
    assert (row["user_id"], str(row["signup_date"]), row["country"], row["segment"]) == (
        "u1",
        "2026-01-02",
        "BR",
        "new",
    )
    assert not [secret for secret in SECRETS if secret.lower() in said(found).lower()]
    assert found.file.is_personal
    assert found.file.personal_columns()["E-Mail"] == ("email", "kept as a keyed hash")
    assert found.file.personal_columns()["name"] == ("name", "dropped")
    without = read(encode(form, [record]), tmp_path, kind=Kind.USERS)
    assert without.rows[0]["email_hash"] is None
    assert without.file.personal_columns()["E-Mail"] == ("email", "dropped, as GONDOLA_PII_KEY is not set")


@pytest.mark.parametrize("form", FORMATS)
def test_personal_columns_of_events_land_nowhere(form: str, tmp_path: Path) -> None:
    records = [
        event(1, email="ana@example.com", client_ip="203.0.113.9"),
        event(2, price="-1", email="ana@example.com"),
    ]
    found = read(encode(form, records), tmp_path, key=KEY)
    assert len(found.rows) == len(found.rejected) == 1
    assert not [secret for secret in SECRETS if secret in said(found)]
    assert found.file.is_personal


@pytest.mark.parametrize("form", FORMATS)
def test_addresses_in_other_columns(form: str, tmp_path: Path) -> None:
    records = [
        event(1, user_id="ana@example.com"),
        event(2, page_url="https://shop.example/?mail=bob%40example.com&x=1", search_query="write ana@example.com now"),
        event(3),
    ]
    hashed = read(encode(form, records), tmp_path, key=KEY)
    assert len(hashed.rows) == 3
    assert len(hashed.rows[0]["user_id"]) == 64
    assert hashed.rows[1]["page_url"] == "https://shop.example/?mail=[e-mail]&x=1"
    assert hashed.rows[1]["search_query"] == "write [e-mail] now"
    refused = read(encode(form, records), tmp_path)
    assert refused.reasons == {1: "user_id is an e-mail address; set GONDOLA_PII_KEY to have it hashed"}
    for found in (hashed, refused):
        assert found.file.is_personal
        assert not [secret for secret in SECRETS if secret in said(found)]


def test_an_address_in_an_unknown_or_nested_column_is_noticed(tmp_path: Path) -> None:
    for form in FORMATS:
        assert read(encode(form, [event(1, note="ask ana@example.com")]), tmp_path).file.is_personal, form
    for form in ("jsonl", "json", "parquet"):
        assert read(encode(form, [event(1, who={"a": {"b": "ana@example.com"}})]), tmp_path).file.is_personal, form
        found = read(encode(form, [event(1, who={"phone": "1"}), event(2, who={"phone": "2"})]), tmp_path)
        assert found.file.is_personal, f"a nested column of a personal name, in {form}"
    assert not read(encode("jsonl", [event(1, note="3 @ 5", who={"a": 1})]), tmp_path).file.is_personal


def test_what_is_shown_of_broken_rows_is_masked(tmp_path: Path) -> None:
    cut = b'{"event_id": "1", "email": "ana@example.com", "na'
    keyless = b'{"event_id": "1", "note": "ana@example.com from 203.0.113.9, 123.456.789-00, +5548999990000'
    found = read(b"\n".join([cut, keyless, encode("jsonl", [event(3)])]), tmp_path)
    assert len(found.rows) == 1
    assert not [secret for secret in SECRETS if secret in said(found)]
    table = encode("csv", [event(1, name="Ana Lima"), event(2, name="Ana Lima")]) + b"e3,x,Ana Lima\n"
    found = read(table, tmp_path)
    assert found.reasons == {3: "the row has 3 fields, the header 7"}
    assert "Ana" not in said(found)


def test_a_policy_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = yaml.safe_load(POLICY.read_text())
    policy["columns"]["ip"]["action"] = "reject"
    path = tmp_path / "pii.yaml"
    path.write_text(yaml.safe_dump(policy))
    monkeypatch.setattr("tests.sources.events.harness.POLICY", path)
    for form in FORMATS:
        with pytest.raises(DataContractError, match=r"column ip holds personal data \(ip\), which the policy refuses"):
            read(encode(form, [event(1), event(2, ip="203.0.113.9")]), tmp_path)


def test_a_policy_that_can_not_be_used(tmp_path: Path) -> None:
    path = tmp_path / "pii.yaml"
    good = yaml.safe_load(POLICY.read_text())
    for change, words in (
        ({"emails_in_ids": "keep"}, "emails_in_ids"),
        ({"columns": {"email": {"action": "keep", "names": []}}}, r"columns\.email\.action"),
        ({"columns": {"name": {"action": "hash", "names": []}}}, r"columns\.name\.action: only email and phone"),
        ({"more": 1}, "more"),
    ):
        path.write_text(yaml.safe_dump(good | change))
        with pytest.raises(ConfigurationError, match=words):
            PiiPolicy.load(path, None)
    with pytest.raises(ConfigurationError, match="shorter than 16 bytes") as caught:
        PiiPolicy.load(POLICY, SecretStr("short"))
    assert "short;" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="can't be read"):
        PiiPolicy.load(tmp_path / "none.yaml", None)
    assert KEY.get_secret_value() not in repr(PiiPolicy.load(POLICY, KEY))


def test_a_product_has_a_name(tmp_path: Path) -> None:
    records = [
        {"product_id": "p1", "name": "Tea", "price": "1.50", "ean": "789"},
        {"product_id": "p1", "name": "Coffee"},
    ]
    for form in FORMATS:
        found = read(encode(form, records), tmp_path, kind=Kind.PRODUCTS)
        assert [(row["product_name"], row["gtin"]) for row in found.rows] == [("Tea", "789")]
        assert found.reasons == {2: "product_id was in row 1 already"}
        assert not found.file.is_personal
