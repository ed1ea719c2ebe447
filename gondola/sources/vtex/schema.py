"""The columns of bronze: one row per SKU a store listed, as typed values and as the store's own bytes.

Supermarket, region and business date are in the file's path and metadata, not repeated in every row.
"""

from __future__ import annotations

import pyarrow as pa

__all__ = ["BRONZE_SCHEMA", "MONEY", "PLAIN_COLUMNS", "SCHEMA_VERSION"]

SCHEMA_VERSION = "1"
MONEY = pa.decimal128(18, 4)
_TIMESTAMP = pa.timestamp("us", tz="UTC")

BRONZE_SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("fetched_at", _TIMESTAMP),
        ("slice", pa.string()),  # the catalogue slice it was first seen in, as in metadata/slices
        ("product_id", pa.string()),
        ("sku_id", pa.string()),
        ("ean", pa.string()),  # as the store gave it: padded, empty and PLU codes included
        ("reference_id", pa.string()),
        ("product_name", pa.string()),
        ("sku_name", pa.string()),
        ("brand", pa.string()),
        ("brand_id", pa.string()),
        ("category_path", pa.string()),  # names of the first, deepest path: /Mercearia/Arroz/
        ("category_ids", pa.string()),  # its ids: /1/17/
        ("link", pa.string()),
        ("image_url", pa.string()),
        ("measurement_unit", pa.string()),
        ("unit_multiplier", pa.decimal128(18, 6)),
        ("seller_id", pa.string()),
        ("seller_name", pa.string()),
        ("price", MONEY),  # BRL per measurement unit; 0 is kept as the store said it, and means unavailable
        ("list_price", MONEY),
        ("price_without_discount", MONEY),
        ("full_selling_price", MONEY),  # BRL per increment (unit_multiplier measurement units)
        ("spot_price", MONEY),
        ("is_available", pa.bool_()),
        ("available_quantity", pa.int64()),
        ("price_valid_until", _TIMESTAMP),  # a staleness stamp: one year after the price was computed
        # JSON list of {name, kind: multi_buy|club|other, minimum_quantity, percent, amount}; null when none
        ("teasers", pa.string()),
        # the product exactly as received (JSON bytes); only on the first SKU of a product, else null
        ("raw", pa.binary()),
    ]
)

# A row group is some five hundred rows: too few for a dictionary or statistics of any column to earn their bytes and
# their CPU, in writing and in reading alike.
PLAIN_COLUMNS = tuple(BRONZE_SCHEMA.names)
