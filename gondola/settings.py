"""Every setting, once.

Read from the environment (`GONDOLA_…`), `.env` and `gondola.toml` of the working folder, in this order
of precedence. Credentials and endpoints of the clouds are not settings of ours: they come from the
clouds' own variables (`AWS_*`, `AZURE_STORAGE_*`).
"""

from __future__ import annotations

import difflib
import os
from functools import cache
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from gondola.errors import ConfigurationError

__all__ = ["PROJECT_ROOT", "Settings", "get_settings"]

PROJECT_ROOT = Path(__file__).resolve().parent.parent
_PREFIX = "GONDOLA_"


class Settings(BaseSettings):
    """What a person may change without touching code."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", toml_file="gondola.toml", extra="ignore", frozen=True
    )

    lake: str = Field(
        default_factory=lambda: str(PROJECT_ROOT / "data"),
        description="Where all data lives: a folder, s3://bucket/prefix, az://container/prefix or memory://name.",
    )
    stores_file: Path = Field(
        default=PROJECT_ROOT / "stores.yaml", description="The stores to crawl, with their regions."
    )
    alerts_file: Path = Field(
        default=PROJECT_ROOT / "deployments" / "alerts.yaml",
        description="Which alerts are watched for, from what threshold, and who is told.",
    )
    warehouse: Path = Field(
        default=PROJECT_ROOT / "data" / "warehouse" / "gondola.duckdb",
        description="The DuckDB file dbt builds; readers use the published copies beside it.",
    )
    target: str = Field(default="duckdb", description="dbt target: duckdb, postgres, spark, …")
    postgres_url: SecretStr | None = Field(
        default=None,
        description="The PostgreSQL of the target postgres: postgresql://user:password@host:5432/database.",
    )
    logs: Path = Field(default=PROJECT_ROOT / "data" / "logs", description="Folder of the JSON log, rotated.")
    log_level: str = Field(default="INFO", description="Least severe level that is logged.")
    spool: Path = Field(
        default=PROJECT_ROOT / "data" / "spool",
        description="Local folder for files that are still being written.",
    )
    user_agent: str = Field(
        default="Gondola/0.1 (open price monitor)",
        description="How the crawler introduces itself; add an address where you can be reached.",
    )
    obey_robots: bool = Field(default=True, description="Read robots.txt and keep to it.")
    max_connections: int = Field(default=32, ge=1, le=512, description="Requests in flight over all hosts.")
    request_timeout_seconds: float = Field(default=30.0, gt=0, description="Longest wait for one answer.")
    request_attempts: int = Field(
        default=5, ge=1, le=20, description="Times a request is sent before its slice counts as failed."
    )
    region_timeout_seconds: float = Field(
        default=3 * 3600.0, gt=0, description="Longest crawl of one store-region before it is ended."
    )
    late_pass_delay_seconds: float = Field(
        default=30.0, ge=0, description="Rest before what failed is asked for once more."
    )
    retry_delays_seconds: tuple[float, ...] = Field(
        default=(30.0, 120.0), description="Rests before a failed step is tried again, when its error may pass."
    )
    jaffle_shop_source: str = Field(
        default_factory=lambda: str(PROJECT_ROOT / "gondola" / "sandbox" / "jaffle_shop" / "files"),
        description="Folder of the jaffle shop's CSV files, on any storage; a small shop of our own by default.",
    )
    retailers_file: Path = Field(
        default=PROJECT_ROOT / "retailers.yaml", description="The retailers whose sales are fetched."
    )
    retailer_retry_delays_seconds: tuple[float, ...] = Field(
        default=(300.0, 300.0), description="Rests before a retailer that failed is asked again."
    )
    bad_row_share: float = Field(
        default=0.05, ge=0, le=1, description="Share of bad rows in a file above which its load fails."
    )
    api_keys_file: Path = Field(
        default=PROJECT_ROOT / "data" / "api_keys.yaml",
        description="Hashes of the keys that the API takes; `gondola api-key` writes it.",
    )
    transform_threads: int = Field(default=2, ge=1, le=64, description="DuckDB threads during a transform.")
    transform_memory: str = Field(default="1GB", description="DuckDB memory limit during a transform.")
    quality_file: Path = Field(
        default=PROJECT_ROOT / "deployments" / "quality.yaml", description="Thresholds of the quality gate."
    )
    backup_days: int = Field(
        default=30, ge=1, description="Days a backup of the warehouse is kept; the newest always is."
    )
    lifecycle_file: Path = Field(
        default=PROJECT_ROOT / "deployments" / "lifecycle.yaml",
        description="How long files stay hot, cool and archived, and when they go.",
    )
    prefect_retention_days: int = Field(
        default=30, ge=1, description="Days the Prefect server keeps runs that have ended."
    )
    events_source: str | None = Field(
        default=None,
        description="Where event files come from: a folder or file, s3://bucket/prefix or az://container/…",
    )
    physical_product_source: str | None = Field(
        default=None,
        description="Where the eight CSV files come from: a folder, s3://bucket/prefix or az://container/prefix.",
    )
    pii_policy: Path = Field(
        default=PROJECT_ROOT / "deployments" / "pii.yaml", description="What is done with personal data in event files."
    )
    pii_key: SecretStr | None = Field(default=None, description="Key of the hashes that replace personal data.")
    published_versions: int = Field(default=3, ge=1, description="Published warehouse copies that are kept.")

    @field_validator("lake")
    @classmethod
    def _one_azure_scheme(cls, value: str) -> str:
        # DuckDB, adlfs and the Azurite emulator share az:// only; the others name the same thing.
        for scheme in ("abfss://", "abfs://", "azure://"):
            if value.startswith(scheme):
                return "az://" + value.removeprefix(scheme)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - named by the base class
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, `.env`, `gondola.toml`."""
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read all sources.

        Args:
            **overrides: Values that win over every source, by field name.

        Raises:
            ConfigurationError: A key is unknown (the nearest known one is named) or a value can't be used.
        """
        _reject_unknown_keys(cls)
        try:
            return cls(**overrides)
        except ValidationError as error:
            first = error.errors()[0]
            name = _PREFIX + str(first["loc"][0]).upper()
            field = cls.model_fields.get(str(first["loc"][0]))
            secret = field is not None and "SecretStr" in str(field.annotation)
            message = f"{name}: {first['msg']}" + ("" if secret else f" (got {first['input']!r})")
            raise ConfigurationError(message) from error


def _reject_unknown_keys(settings_cls: type[Settings]) -> None:
    known = set(settings_cls.model_fields)
    given: dict[str, str] = {
        key.removeprefix(_PREFIX).lower(): f"the environment ({key})" for key in os.environ if key.startswith(_PREFIX)
    }
    dotenv = DotEnvSettingsSource(settings_cls, case_sensitive=True)
    given |= {key.removeprefix(_PREFIX).lower(): f".env ({key})" for key in dotenv.env_vars if key.startswith(_PREFIX)}
    given |= {key: f"gondola.toml ({key})" for key in TomlConfigSettingsSource(settings_cls).toml_data}
    for key, where in given.items():
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known keys: {', '.join(sorted(known))}"
            message = f"unknown setting in {where}: {hint}"
            raise ConfigurationError(message)


@cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings.load()
