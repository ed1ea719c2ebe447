"""Files of web events, products and users: read in any of their forms, held against the contract, freed of PII."""

from gondola.sources.events.contract import Kind, Rejected, contract_schemas
from gondola.sources.events.pii import PiiPolicy
from gondola.sources.events.reader import Batch, EventFile, format_of_name
from gondola.sources.events.schema import SCHEMA_VERSION, SILVER

__all__ = [
    "SCHEMA_VERSION",
    "SILVER",
    "Batch",
    "EventFile",
    "Kind",
    "PiiPolicy",
    "Rejected",
    "contract_schemas",
    "format_of_name",
]
