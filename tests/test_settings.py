from __future__ import annotations

from pathlib import Path

import pytest

from gondola.errors import ConfigurationError
from gondola.settings import Settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abfs://box/prefix", "az://box/prefix"),
        ("abfss://box/prefix", "az://box/prefix"),
        ("az://box", "az://box"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("/srv/lake", "/srv/lake"),
    ],
)
def test_azure_has_one_scheme(given: str, kept: str) -> None:
    assert Settings.load(lake=given).lake == kept


def test_environment_wins_over_dotenv_and_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("gondola.toml").write_text('user_agent = "toml"\nmax_connections = 3\nlog_level = "ERROR"\n')
    Path(".env").write_text("GONDOLA_USER_AGENT=dotenv\nGONDOLA_MAX_CONNECTIONS=5\nOTHER=1\n")
    monkeypatch.setenv("GONDOLA_USER_AGENT", "environment")
    settings = Settings.load()
    assert (settings.user_agent, settings.max_connections, settings.log_level) == ("environment", 5, "ERROR")


def test_unknown_key_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONDOLA_LAEK", "x")
    with pytest.raises(ConfigurationError, match=r"GONDOLA_LAEK.*did you mean 'lake'"):
        Settings.load()


@pytest.mark.parametrize("name", ["gondola.toml", ".env"])
def test_unknown_key_in_a_file_is_an_error_too(name: str) -> None:
    Path(name).write_text('stores_fil = "x"\n' if name.endswith("toml") else "GONDOLA_STORES_FIL=x\n")
    with pytest.raises(ConfigurationError, match="stores_file"):
        Settings.load()


def test_wrong_value_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONDOLA_MAX_CONNECTIONS", "many")
    with pytest.raises(ConfigurationError, match=r"GONDOLA_MAX_CONNECTIONS.*'many'"):
        Settings.load()
