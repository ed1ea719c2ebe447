"""Retailers' sales APIs: each asked in its own way, all read into one `SalesRecord`."""

from gondola.sources.retailers.alfa import Alfa
from gondola.sources.retailers.base import DayFetch, Page, Retailer, fetch_day, read_pages
from gondola.sources.retailers.boreal import Boreal
from gondola.sources.retailers.config import (
    RetailerConfig,
    load_retailers,
    make_retailer,
    select_retailers,
)
from gondola.sources.retailers.costa import Costa
from gondola.sources.retailers.record import SALES_SCHEMA, RejectedSale, SalesRecord
from gondola.sources.retailers.replay import DOCUMENT_VERSION, from_document, to_document

__all__ = [
    "DOCUMENT_VERSION",
    "SALES_SCHEMA",
    "Alfa",
    "Boreal",
    "Costa",
    "DayFetch",
    "Page",
    "RejectedSale",
    "Retailer",
    "RetailerConfig",
    "SalesRecord",
    "fetch_day",
    "from_document",
    "load_retailers",
    "make_retailer",
    "read_pages",
    "select_retailers",
    "to_document",
]
