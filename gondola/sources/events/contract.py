"""The contract of event, product and user files: what a row must be, and why it is refused.

The models here are the only judge of a row. `screen` lets rows pass without asking them, but only such rows as they
would pass with the same values; a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from gondola.sources.events.values import (
    BLANKS,
    as_count,
    as_day,
    as_flag,
    as_moment,
    as_money,
    as_text,
    as_word,
    refuse,
)

__all__ = [
    "ALIASES",
    "EVENT_TYPES",
    "LONGEST_ID",
    "LONGEST_TEXT",
    "LONGEST_URL",
    "REQUIRED",
    "Event",
    "Kind",
    "Product",
    "Rejected",
    "User",
    "contract_schemas",
    "judge",
    "model_of",
]

LONGEST_ID = 200  # characters
LONGEST_TEXT = 2_000
LONGEST_URL = 4_000
EVENT_TYPES = ("view", "cart", "remove_from_cart", "purchase", "click", "search", "checkout")
ABOUT_A_PRODUCT = ("view", "cart", "remove_from_cart", "purchase", "click")
ONE_BY_DEFAULT = ("cart", "purchase")


class Kind(StrEnum):
    """What a file holds; its name begins with it."""

    EVENTS = "events"
    PRODUCTS = "products"
    USERS = "users"


Id = Annotated[str, Field(min_length=1, max_length=LONGEST_ID), BeforeValidator(as_text)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT), BeforeValidator(as_text)]
Url = Annotated[str, Field(max_length=LONGEST_URL), BeforeValidator(as_text)]
Money = Annotated[Decimal, Field(max_digits=11, decimal_places=2, ge=0, lt=10**9), BeforeValidator(as_money)]
Count = Annotated[int, Field(ge=1, le=10**6), BeforeValidator(as_count)]
Flag = Annotated[bool, BeforeValidator(as_flag)]
Moment = Annotated[datetime, BeforeValidator(as_moment)]
Day = Annotated[date, BeforeValidator(as_day)]
EventType = Annotated[
    Literal["view", "cart", "remove_from_cart", "purchase", "click", "search", "checkout"], BeforeValidator(as_word)
]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Event(_Row):
    """Something a user did in the shop."""

    event_type: EventType = Field(description="What was done.")
    event_time: Moment = Field(description="When: ISO 8601, or seconds since 1970; UTC unless an offset is given.")
    user_id: Id = Field(description="Who, by a name that is no personal datum.")
    event_id: Id | None = Field(None, description="The event's own id; the hash of its row when it has none.")
    session_id: Id | None = None
    product_id: Id | None = Field(None, validate_default=True, description="Needed but for search and checkout.")
    category_id: Id | None = None
    category_code: Id | None = None
    brand: Id | None = None
    price: Money | None = Field(None, description="Of one unit, below 10^9, with at most two decimals.")
    quantity: Count | None = Field(None, validate_default=True, description="1 for cart and purchase when absent.")
    order_id: Id | None = None
    search_query: Text | None = Field(None, validate_default=True, description="Needed by search.")
    page_url: Url | None = None
    referrer: Url | None = None
    utm_source: Id | None = None
    utm_medium: Id | None = None
    utm_campaign: Id | None = None
    device: Id | None = None
    country: Id | None = None
    is_bot: Flag | None = None

    @field_validator("event_time")
    @classmethod
    def _within_reach(cls, value: datetime, info: ValidationInfo) -> datetime:
        bounds: dict[str, datetime] = info.context or {}
        if value < bounds["earliest"]:
            refuse("is before {day}", day=f"{bounds['earliest']:%Y-%m-%d}")
        if value > bounds["latest"]:
            refuse("is in the future: later than {at}", at=f"{bounds['latest']:%Y-%m-%d %H:%M:%S} UTC")
        return value

    @field_validator("product_id")
    @classmethod
    def _names_its_product(cls, value: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("event_type")
        if value is None and kind in ABOUT_A_PRODUCT:
            refuse("is missing, which {kind} events need", kind=kind)
        return value

    @field_validator("search_query")
    @classmethod
    def _says_what_is_searched(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("event_type") == "search":
            refuse("is missing, which search events need")
        return value

    @field_validator("quantity")
    @classmethod
    def _one_at_least(cls, value: int | None, info: ValidationInfo) -> int | None:
        return 1 if value is None and info.data.get("event_type") in ONE_BY_DEFAULT else value


class Product(_Row):
    """A product of the catalogue."""

    product_id: Id
    product_name: Text | None = None
    brand: Id | None = None
    category_id: Id | None = None
    category_code: Id | None = None
    price: Money | None = None
    gtin: Id | None = None


class User(_Row):
    """A user's profile, without personal data."""

    user_id: Id
    signup_date: Day | None = None
    country: Id | None = None
    segment: Id | None = None
    email_hash: Id | None = Field(None, description="Keyed hash, where the policy keeps one.")
    phone_hash: Id | None = Field(None, description="Keyed hash, where the policy keeps one.")


_MODELS: dict[Kind, type[_Row]] = {Kind.EVENTS: Event, Kind.PRODUCTS: Product, Kind.USERS: User}
REQUIRED: dict[Kind, tuple[str, ...]] = {
    kind: tuple(name for name, field in model.model_fields.items() if field.is_required())
    for kind, model in _MODELS.items()
}
ALIASES: dict[Kind, dict[str, str]] = {
    Kind.EVENTS: {"user_session": "session_id", "timestamp": "event_time", "ts": "event_time", "type": "event_type"},
    Kind.PRODUCTS: {"name": "product_name", "ean": "gtin"},
    Kind.USERS: {},
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is refused, and why."""

    row_number: int | None  # 1-based among the file's records; None for what is no record
    field: str
    reason: str
    value: str


def model_of(kind: Kind) -> type[BaseModel]:
    """The model that rows of a kind are held against."""
    return _MODELS[kind]


def contract_schemas() -> dict[str, dict[str, Any]]:
    """The contract as JSON schemas, by kind of file."""
    return {kind.value: model.model_json_schema(mode="serialization") for kind, model in _MODELS.items()}


def judge(kind: Kind, record: Mapping[str, object], context: Mapping[str, datetime]) -> dict[str, Any] | Rejected:
    """Hold one record against the contract.

    Args:
        kind: What it is to be.
        record: Values by the contract's names, as the file has them.
        context: `earliest` and `latest`, the moments between which events may lie.

    Returns:
        The values in their types, or the refusal; its row number is for the caller to set.
    """
    given = {name: value for name, value in record.items() if not _is_blank(value)}
    try:
        return vars(_MODELS[kind].model_validate(given, context=dict(context)))
    except ValidationError as error:
        problems = [(str(item["loc"][0]), _plain(item)) for item in error.errors(include_url=False)]
    field = problems[0][0]
    reason = "; ".join(f"{name} {why}" for name, why in problems)
    value = record.get(field)
    return Rejected(None, field, reason, "" if value is None else str(value))


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip(BLANKS))


def _plain(error: Any) -> str:
    """Pydantic's sentence, as one that follows the field's name."""
    context = error.get("ctx", {})
    sentences = {
        "missing": "is missing",
        "string_too_long": "is longer than {max_length} characters",
        "literal_error": "is none of {expected}",
        "greater_than_equal": "is below {ge}",
        "less_than_equal": "is above {le}",
        "less_than": "is {lt} or more",
        "decimal_max_digits": "is 10^9 or more",
        "decimal_whole_digits": "is 10^9 or more",
        "decimal_max_places": "has more than {decimal_places} decimals",
    }
    return sentences.get(error["type"], str(error["msg"])).format(**context)
