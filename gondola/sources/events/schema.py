"""The columns of what is kept of events, products and users."""

from __future__ import annotations

import pyarrow as pa

from gondola.sources.events.contract import Event, Kind, Product, User

__all__ = ["MONEY", "SCHEMA_VERSION", "SILVER", "TEXTS"]

SCHEMA_VERSION = "1"
MONEY = pa.decimal128(18, 2)
_TYPES = {
    "event_time": pa.timestamp("us", tz="UTC"),
    "event_date": pa.date32(),
    "signup_date": pa.date32(),
    "price": MONEY,
    "quantity": pa.int32(),
    "is_bot": pa.bool_(),
    "source_row": pa.int64(),
}
_EVENT_COLUMNS = ["event_id", "event_time", "event_date", "event_type"]
_EVENT_COLUMNS += [name for name in Event.model_fields if name not in _EVENT_COLUMNS]
_EVENT_COLUMNS += ["source_file", "source_row", "run_id"]

SILVER: dict[Kind, pa.Schema] = {
    kind: pa.schema([(name, _TYPES.get(name, pa.string())) for name in names])
    for kind, names in {
        Kind.EVENTS: _EVENT_COLUMNS,
        Kind.PRODUCTS: [*Product.model_fields, "run_id"],
        Kind.USERS: [*User.model_fields, "run_id"],
    }.items()
}
"""The Parquet columns of each kind, in order. New ones only at the end, nullable."""

TEXTS = tuple(name for name in Event.model_fields if name not in _TYPES)
"""The columns of an event that are text."""
