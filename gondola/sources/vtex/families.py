"""The three ways to ask a VTEX store for its catalogue, behind one small face.

All answer 50 products a page and let about 2,500 be reached per query, which is why catalogues are cut
into slices. They differ in how a slice is spelt, and in where the total stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from gondola.sources.vtex.tree import Node, slugify

__all__ = [
    "FAMILIES",
    "PAGE_SIZE",
    "Context",
    "Family",
    "IntelligentSearch",
    "IntelligentSearchV1",
    "InvalidAnswerError",
    "LegacySearch",
    "Page",
    "Slice",
]

PAGE_SIZE = 50
T = TypeVar("T")

_split_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class InvalidAnswerError(ValueError):
    """An answer of status 200 whose body or headers are not what the API promises."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a catalogue, in no API's spelling."""

    node: Node
    brand: tuple[str, str] | None = None
    """Id and name."""
    sort: str | None = None

    @property
    def label(self) -> str:
        """Names for a person: `Mercearia > Arroz`."""
        names = [step.name for step in self.node.path] or ["(whole catalogue)"]
        return " > ".join(names) + (f" [{self.brand[1]}]" if self.brand else "")

    def of_brand(self, brand: tuple[str, str]) -> Slice:
        """The same slice, one brand only."""
        return replace(self, brand=brand)

    def sorted_by(self, sort: str | None) -> Slice:
        """The same slice in another order."""
        return replace(self, sort=sort)


@dataclass(frozen=True, slots=True)
class Context:
    """From where the store is looked at."""

    sales_channel: int | None = None
    region_id: str | None = None
    """Sent as a parameter; a region sent in the segment cookie is in `headers`."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: the slice's total, and each product's exact bytes."""

    total: int
    products: list[msgspec.Raw]
    size: int


class Family(Protocol):
    """One API family of the catalogue."""

    name: ClassVar[str]
    window: ClassVar[int]
    """Products that can be reached per query."""
    sorts: ClassVar[tuple[str, ...]]
    """Orders that reach different ends of a slice, the most stable ones first."""

    def key(self, part: Slice) -> str:
        """The name of a slice in records."""

    def url(self, part: Slice, page: int, context: Context) -> str:
        """Path and query of a page, counted from 0."""

    def lookup(self, product_ids: Sequence[str], context: Context) -> str:
        """Path and query for some products by id."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> Page:
        """Split an answer.

        Raises:
            InvalidAnswerError: The answer is not a page.
        """


class LegacySearch:
    """`/api/catalog_system/pub/products/search`: `_from` up to 2,500, total in the `resources` header."""

    name: ClassVar[str] = "legacy"
    window: ClassVar[int] = 2550
    sorts: ClassVar[tuple[str, ...]] = (
        "OrderByNameASC",
        "OrderByNameDESC",
        "OrderByReleaseDateDESC",
        "OrderByPriceASC",
        "OrderByPriceDESC",
        "OrderByTopSaleDESC",
        "OrderByBestDiscountDESC",
    )
    _PATH = "/api/catalog_system/pub/products/search"

    def key(self, part: Slice) -> str:
        """`C:/1/17/ B:2000 O:OrderByNameASC`; `*` is the whole catalogue."""
        words = [_category(part.node)] if part.node.path else []
        words += [f"B:{part.brand[0]}"] if part.brand else []
        words += [f"O:{part.sort}"] if part.sort else []
        return " ".join(words) or "*"

    def url(self, part: Slice, page: int, context: Context) -> str:
        """Path and query of a page; categories carry the full path from the root."""
        start = page * PAGE_SIZE
        filters = [f"fq={_category(part.node)}"] if part.node.path else []
        filters += [f"fq=B:{quote(part.brand[0], safe='')}"] if part.brand else []
        filters += [f"O={part.sort}"] if part.sort else []
        return self._join([*filters, f"_from={start}", f"_to={start + PAGE_SIZE - 1}"], context)

    def lookup(self, product_ids: Sequence[str], context: Context) -> str:
        """Path and query for up to 50 products by id: a repeated filter means "or"."""
        filters = [f"fq=productId:{quote(product_id, safe='')}" for product_id in product_ids]
        return self._join([*filters, "_from=0", f"_to={PAGE_SIZE - 1}"], context)

    def read(self, body: bytes, headers: Mapping[str, str]) -> Page:
        """Split an answer; without the `resources` header only an empty page is understood."""
        products = _decode(_split_list, body)
        total = headers.get("resources", "").rpartition("/")[2]
        if not total.isdigit():
            if products:
                message = "the resources header with the total is missing"
                raise InvalidAnswerError(message)
            total = "0"
        return Page(int(total), products, len(body))

    def _join(self, parameters: list[str], context: Context) -> str:
        if context.sales_channel is not None:
            parameters.append(f"sc={context.sales_channel}")
        return f"{self._PATH}?{'&'.join(parameters)}"


class _SearchAnswer(msgspec.Struct, gc=False):
    products: list[msgspec.Raw]
    total: int = msgspec.field(name="recordsFiltered")


_split_answer = msgspec.json.Decoder(_SearchAnswer).decode


class IntelligentSearch:
    """The old path of Intelligent Search: at most 50 pages of 50, total in `recordsFiltered`."""

    name: ClassVar[str] = "is"
    window: ClassVar[int] = 2500
    sorts: ClassVar[tuple[str, ...]] = (
        "name:asc",
        "name:desc",
        "release:desc",
        "price:asc",
        "price:desc",
        "orders:desc",
        "discount:desc",
    )
    _PATH: ClassVar[str] = "/api/io/_v/api/intelligent-search/product_search"

    def key(self, part: Slice) -> str:
        """`category-1/bebidas/category-2/sucos brand/x O:name:asc`; `*` is the whole catalogue."""
        facets = _facets(part)
        words = ["/".join(facets)] if facets else []
        words += [f"O:{part.sort}"] if part.sort else []
        return " ".join(words) or "*"

    def url(self, part: Slice, page: int, context: Context) -> str:
        """Path and query of a page."""
        parameters = {"page": str(page + 1), "count": str(PAGE_SIZE)}
        if part.sort:
            parameters["sort"] = part.sort
        return self._join(_facets(part), parameters, context)

    def lookup(self, product_ids: Sequence[str], context: Context) -> str:
        """Path and query for up to 50 products by id."""
        return self._join(
            [], {"query": "product:" + ";".join(product_ids), "page": "1", "count": str(PAGE_SIZE)}, context
        )

    def read(self, body: bytes, headers: Mapping[str, str]) -> Page:
        """Split an answer; all of it is in the body."""
        del headers
        answer = _decode(_split_answer, body)
        return Page(answer.total, answer.products, len(body))

    def _join(self, facets: list[str], parameters: dict[str, str], context: Context) -> str:
        if context.sales_channel is not None:
            facets = ["trade-policy", str(context.sales_channel), *facets]
        parameters |= {"hideUnavailableItems": "false", "showSponsored": "false"}
        if context.region_id is not None:
            parameters["regionId"] = context.region_id
        return _address(self._PATH, facets, parameters)


class IntelligentSearchV1(IntelligentSearch):
    """Version 1: reads no segment cookie, so channel and region are parameters."""

    name: ClassVar[str] = "is_v1"
    _PATH: ClassVar[str] = "/api/intelligent-search/v1/product-search"

    def _join(self, facets: list[str], parameters: dict[str, str], context: Context) -> str:
        parameters |= {"locale": "pt-BR", "country": "BRA", "hideUnavailableItems": "false"}
        if context.sales_channel is not None:
            parameters["sc"] = str(context.sales_channel)
        if context.region_id is not None:
            parameters["regionId"] = context.region_id
        return _address(self._PATH, facets, parameters)


FAMILIES: dict[str, Family] = {
    family.name: family for family in (LegacySearch(), IntelligentSearch(), IntelligentSearchV1())
}


def _category(node: Node) -> str:
    return "C:/" + "".join(f"{quote(step.id, safe='')}/" for step in node.path)


def _facets(part: Slice) -> list[str]:
    facets: list[str] = []
    for depth, step in enumerate(part.node.path, start=1):
        facets += [f"category-{depth}", step.slug]
    if part.brand:
        facets += ["brand", slugify(part.brand[1])]
    return facets


def _address(path: str, facets: Sequence[str], parameters: Mapping[str, str]) -> str:
    # Each segment is encoded by itself: an encoded slash is not a separator to the API.
    segments = "".join("/" + quote(facet, safe="") for facet in facets)
    return f"{path}{segments}?{urlencode(parameters, safe=':;')}"


def _decode(decode: Callable[[bytes], T], body: bytes) -> T:
    try:
        return decode(body)
    except msgspec.DecodeError as error:
        raise InvalidAnswerError(f"not the JSON expected ({error})") from error
