"""The thresholds file: every number a check compares with, validated."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from gondola.yaml_files import Strict, load_yaml

__all__ = ["MarketThresholds", "PhysicalProductThresholds", "Thresholds", "load_thresholds"]


class Volume(Strict):
    """Products of a day against those of the days before."""

    runs: int = Field(default=7, ge=1, description="Complete runs that are averaged.")
    least_runs: int = Field(default=3, ge=1, description="With fewer before it, a day is not judged.")
    least_share: float = Field(default=0.8, gt=0, le=1, description="Of the mean; below it is an error.")


class Freshness(Strict):
    """How long ago a store-region was last seen."""

    warn_hours: float = Field(default=24, gt=0)
    error_hours: float = Field(default=48, gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Freshness:
        if self.error_hours < self.warn_hours:
            message = "error_hours must not be less than warn_hours"
            raise ValueError(message)
        return self


class PriceOutliers(Strict):
    """A price against the product's own history."""

    days: int = Field(default=28, ge=1, description="Days before the judged one whose prices are its history.")
    least_prices: int = Field(default=5, ge=1, description="With fewer, a SKU is not judged.")
    times: float = Field(default=3, gt=1, description="An outlier is so many times the median, or so small a part.")
    most_share: float = Field(default=0.02, ge=0, le=1, description="Of the judged SKUs; above it is an error.")
    least_count: int = Field(default=10, ge=1, description="Fewer outliers than this are never an error.")


class PriceSanity(Strict):
    """Prices that can't be."""

    highest_price: float = Field(default=50_000, gt=0, description="BRL per measurement unit.")
    most_share: float = Field(default=0.001, ge=0, le=1, description="Of SKUs above it; more is an error.")


class ListPrice(Strict):
    """List prices that can't be, which the models make unknown."""

    most_unusable_share: float = Field(default=0.3, ge=0, le=1, description="Of the priced SKUs; more is a warning.")


class MarketThresholds(Strict):
    """Thresholds of the market system."""

    recent_days: int = Field(default=3, ge=0, description="A newest day that is older than the newest of all by more.")
    volume: Volume = Volume()
    freshness: Freshness = Freshness()
    price_outliers: PriceOutliers = PriceOutliers()
    price_sanity: PriceSanity = PriceSanity()
    list_price: ListPrice = ListPrice()


class Share(Strict):
    """How many bad rows are only said."""

    most_share: float = Field(default=0.01, ge=0, le=1, description="Of the rows; more is an error.")
    least_count: int = Field(default=10, ge=1, description="Fewer bad rows than this are never an error.")


class Anomaly(Strict):
    """A day of a series against the same weekday of the days around it."""

    days: int = Field(default=90, ge=7, description="Days up to the newest that are compared.")
    judged_days: int = Field(default=7, ge=1, description="Newest days of which an anomaly is said.")
    least_points: int = Field(default=28, ge=7, description="A series of fewer days is not judged.")
    least_score: float = Field(default=6, gt=0, description="Robust standard deviations; below it is nothing.")
    least_share: float = Field(default=0.5, ge=0, description="Of what is usual; a smaller difference is nothing.")


class PhysicalProductThresholds(Strict):
    """Thresholds of the physical product system."""

    referential_integrity: Share = Share()
    calculation: Share = Share()
    freshness: Freshness = Freshness(warn_hours=48, error_hours=96)
    anomaly: Anomaly = Anomaly()


class Thresholds(Strict):
    """The whole file."""

    market: MarketThresholds = MarketThresholds()
    physical_product: PhysicalProductThresholds = PhysicalProductThresholds()


def load_thresholds(path: Path) -> Thresholds:
    """Read the thresholds file.

    Args:
        path: `deployments/quality.yaml`, or another named by `GONDOLA_QUALITY_FILE`.

    Raises:
        ConfigurationError: The file is missing, is no YAML, or a value can't be used; the message names it.
    """
    return load_yaml(path, Thresholds, what="thresholds file", setting="GONDOLA_QUALITY_FILE")
