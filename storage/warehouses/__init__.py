"""Other engines that models can be built on: each is given the rows of bronze by a small class of its own."""

from storage.warehouses.connector import RAW_SCHEMA, BronzeRun, Connector
from storage.warehouses.engines import ENGINES, open_connector

__all__ = ["ENGINES", "RAW_SCHEMA", "BronzeRun", "Connector", "open_connector"]
