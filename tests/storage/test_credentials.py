from __future__ import annotations

import pytest

from gondola.errors import ConfigurationError
from storage import duck
from storage.credentials import azure_options, redact, s3_options
from storage.lake import Lake, normalise_uri
from tests.backends import CLOUD_VARIABLES, forget_clients


@pytest.fixture(autouse=True)
def _no_clouds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CLOUD_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_s3_from_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert s3_options() == {"REGION": "us-east-1"}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert s3_options() == {"REGION": "eu-west-1", "KEY_ID": "id", "SECRET": "secret", "SESSION_TOKEN": "token"}
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.example/s3/")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")
    expected = {"REGION": "sa-east-1", "ENDPOINT": "127.0.0.1:9000", "USE_SSL": False, "URL_STYLE": "path"}
    assert expected.items() <= s3_options().items()


def test_azure_from_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="AZURE_STORAGE_ACCOUNT_NAME"):
        azure_options()
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acme")
    assert azure_options() == {"ACCOUNT_NAME": "acme"}
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=abcdef%3D")
    assert azure_options() == {
        "CONNECTION_STRING": "BlobEndpoint=https://acme.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=abcdef%3D"
    }
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    assert "AccountName=acme;AccountKey=a2V5;" in str(azure_options()["CONNECTION_STRING"])
    with duck.connect("az://container") as connection:
        assert connection.execute("SELECT type, scope FROM duckdb_secrets()").fetchall() == [
            ("azure", ["az://container"])
        ]
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "whole")
    assert azure_options() == {"CONNECTION_STRING": "whole"}


def test_secrets_are_blanked_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalr/XUtn+FEMI")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=acme;AccountKey=a2V5a2V5==;X=1")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "?sv=2020&sig=c2ln%2Bc2ln%3D")
    text = "wJalr/XUtn+FEMI wJalr%2FXUtn%2BFEMI a2V5a2V5== sig=c2ln%2Bc2ln%3D& c2ln+c2ln= acme sv"
    assert redact(text) == "*** *** *** sig=***& *** acme sv"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/prefix/", "s3://bucket/prefix"),
        ("s3://bucket", "s3://bucket"),
        ("abfss://container/a b", "az://container/a b"),
        ("azure://container", "az://container"),
        ("file:///data/lake", "/data/lake"),
        ("/data/../data/lake/", "/data/lake"),
        ("memory://x", "memory://x"),
    ],
)
def test_one_spelling(uri: str, expected: str) -> None:
    assert normalise_uri(uri) == expected
    assert normalise_uri(expected) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "gs://bucket",
        "https://host/x",
        "s3://",
        "s3://key:hunter2@bucket/x",
        "s3://bucket/x?secret=hunter2",
        "abfss://container@account.dfs.core.windows.net/hunter2",
    ],
)
def test_other_uris_are_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Lake.open(uri)
    assert "hunter2" not in str(caught.value)


def test_an_account_must_be_named() -> None:
    forget_clients()
    with pytest.raises(ConfigurationError, match="AZURE_STORAGE_CONNECTION_STRING"):
        Lake.open("az://container/prefix")
