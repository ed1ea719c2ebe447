"""Products: found by name or barcode, looked at closely, and the same one elsewhere."""

from __future__ import annotations

import re

from gondola.errors import UnknownNameError
from gondola.serving.reads.answers import Answer, Page, paged
from gondola.serving.reads.copies import Snapshot
from gondola.serving.reads.stores import LINKS, coverage, latest_day, shelves
from gondola.serving.reads.unit_prices import with_unit_prices

__all__ = ["categories", "offers", "product", "search"]

_BARCODE = re.compile(r"\d{7,14}")
# What is searched is made plain once a row; what starts with the text, and can be bought, comes first.
_SEARCH = f"""
with listed as (
    select
        *,
        strip_accents(lower(concat_ws(
            ' ', product_name, case when sku_name <> product_name then sku_name end, brand
        ))) as plain
    from market.dim_products
    where
        ($supermarket::varchar is null or supermarket = $supermarket)
        and ($department::varchar is null or department = $department)
        and ($brand::varchar is null or brand = $brand)
        and (not $available::boolean or regions_available > 0)
)
select
    supermarket, sku_id, product_id, product_name, sku_name, brand, department, category, ean, gtin, measurement_unit,
    unit_multiplier, regions_listed, regions_available, lowest_price, highest_price, links.link, image_url,
    last_seen_date
from listed inner join {LINKS} as links using (supermarket, sku_id)
where /* what is looked for */
order by
    starts_with(plain, $text::varchar) desc, regions_available > 0 desc, product_name nulls last, supermarket, sku_id
"""
_BY_BARCODE = "(gtin = lpad($barcode, 14, '0') or ean = $barcode)"
_MOST_WORDS = 20
_PRODUCT = f"""
select dim_products.* replace (links.link as link)
from market.dim_products inner join {LINKS} as links using (supermarket, sku_id)
where supermarket = $supermarket and sku_id = $sku_id
"""
# What holds now, in every store-region that ever listed it or the same barcode.
_OFFERS = f"""
with asked as (
    select * from market.dim_products where supermarket = $supermarket and sku_id = $sku_id
)
select
    prices.supermarket, prices.region, stores.supermarket_name, stores.region_name, prices.sku_id,
    products.product_name, products.sku_name, products.brand, products.gtin, products.measurement_unit,
    products.unit_multiplier, prices.status, prices.is_available, prices.price, prices.list_price,
    prices.price_without_discount, prices.promotion_kind, prices.promotion_minimum_quantity, prices.previous_price,
    prices.valid_from as since, stores.last_run_date as seen_date, links.link
from asked
inner join market.dim_products as products
    on (products.supermarket = asked.supermarket and products.sku_id = asked.sku_id) or products.gtin = asked.gtin
inner join market.tru_price as prices
    on products.supermarket = prices.supermarket and products.sku_id = prices.sku_id and prices.valid_to is null
inner join {LINKS} as links on products.supermarket = links.supermarket and products.sku_id = links.sku_id
inner join market.dim_stores as stores on prices.supermarket = stores.supermarket and prices.region = stores.region
order by prices.price nulls last, prices.supermarket, prices.region, prices.sku_id
"""
_CATEGORIES = """
select
    supermarket, department, category, count(*) as products, count(*) filter (where regions_available > 0) as available
from market.dim_products
where regions_listed > 0 and ($supermarket::varchar is null or supermarket = $supermarket)
group by all order by supermarket, department nulls last, category nulls last
"""


def search(
    snapshot: Snapshot,
    text: str = "",
    *,
    supermarket: str | None = None,
    department: str | None = None,
    brand: str | None = None,
    available_only: bool = False,
    page: Page | None = None,
) -> Answer:
    """Products whose name or brand holds every word of a text, or that carry a barcode.

    Args:
        snapshot: The version.
        text: Words in any order, with or without accents; or 7 to 14 digits, which are a barcode. Nothing finds all.
        supermarket: One chain only.
        department: One department only, as the chain names it.
        brand: One brand only.
        available_only: Leave out what can't be bought anywhere now.
        page: The part that is wanted; all by default.

    Returns:
        A row for each chain's SKU; prices in BRL per measurement unit over its regions, and `unit_price` where the
        size is known.

    Raises:
        UnknownNameError: There is no such chain.
    """
    shelves(snapshot, supermarket, None)
    plain: str = snapshot.rows("select strip_accents(lower($text::varchar)) as plain", text=text.strip())[0]["plain"]
    question = {
        "supermarket": supermarket,
        "department": department,
        "brand": brand,
        "available": available_only,
        "text": plain,
    }
    if _BARCODE.fullmatch(plain):
        question["barcode"], match = plain, _BY_BARCODE
    else:
        words = {f"word_{place}": word for place, word in enumerate(dict.fromkeys(plain.split()[:_MOST_WORDS]))}
        question |= words
        match = " and ".join(f"contains(plain, ${name})" for name in words) or "true"
    sql = _SEARCH.replace("/* what is looked for */", match)
    day = coverage(snapshot, latest_day(snapshot), supermarket=supermarket)
    return with_unit_prices(paged(snapshot, sql, page, question, coverage=day), "lowest_price")


def product(snapshot: Snapshot, supermarket: str, sku_id: str) -> Answer:
    """One SKU of a chain, as it was last seen.

    Args:
        snapshot: The version.
        supermarket: The chain.
        sku_id: The chain's SKU.

    Raises:
        UnknownNameError: The chain never listed it.
    """
    rows = snapshot.table(_PRODUCT, supermarket=supermarket, sku_id=sku_id)
    if not rows.num_rows:
        message = f"{supermarket} never listed a SKU {sku_id!r}; search for it by name or barcode"
        raise UnknownNameError(message)
    day = coverage(snapshot, latest_day(snapshot), supermarket=supermarket)
    return with_unit_prices(Answer(rows, snapshot.version, day), "lowest_price")


def offers(snapshot: Snapshot, supermarket: str, sku_id: str) -> Answer:
    """What a SKU, and every SKU of the same barcode, costs now in each store-region; cheapest first.

    Args:
        snapshot: The version.
        supermarket: The chain.
        sku_id: The chain's SKU.

    Returns:
        A row for each store-region and SKU that ever listed it: `status` is listed, unavailable or gone; `since` is
        the day from which this holds, `seen_date` the store-region's last crawl.
    """
    rows = snapshot.table(_OFFERS, supermarket=supermarket, sku_id=sku_id)
    answer = Answer(rows, snapshot.version, coverage(snapshot, latest_day(snapshot)))
    return with_unit_prices(answer, "price")


def categories(snapshot: Snapshot, *, supermarket: str | None = None) -> Answer:
    """Departments and categories as each chain names them, with what is listed in them now.

    Args:
        snapshot: The version.
        supermarket: One chain only.
    """
    return Answer(snapshot.table(_CATEGORIES, supermarket=supermarket), snapshot.version)
