"""Compare what a client brought home with the truth: a fast client that lost a product has won nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.crawl.catalogue import Truth

__all__ = ["Output", "verify"]

_BATCH = 20_000


@dataclass(frozen=True)
class Output:
    """A client's last line, judged."""

    problems: tuple[str, ...]
    output_bytes: int | None


def verify(report: dict[str, Any], truth: Truth) -> Output:
    """Judge a client by the file it names, or by the bytes it counted where it keeps nothing."""
    if "output" not in report:
        return Output(_differences({name: report.get(name) for name in ("pages", "page_bytes")}, truth), None)
    path = Path(report["output"])
    found, products, raws, raw_bytes = Truth(), set(), 0, 0
    seen: set[int] = set()
    for row in _jsonl(path) if path.suffix == ".jsonl" else _parquet(path):
        sku_id = int(row["sku_id"])
        seen.add(sku_id)
        products.add(row["product_id"])
        found.count(sku_id, round((row["price"] or 0) * 100), available=row["is_available"])
        if row.get("raw") is not None:
            raws += 1
            raw_bytes += len(row["raw"])
    names = ("products", "skus", "available", "price_cents", "checksum")
    found.products = len(products)
    problems = list(_differences({name: getattr(found, name) for name in names}, truth))
    if len(seen) != found.skus:
        problems.append(f"{found.skus - len(seen)} rows are doubled")
    if report.get("keeps_raw") and (raws, raw_bytes) != (truth.products, truth.raw_bytes):
        problems.append(f"raw: {raws} products of {raw_bytes} bytes, not {truth.products} of {truth.raw_bytes}")
    if report.get("status", "complete") != "complete":
        problems.append(f"the crawl says {report['status']}")
    return Output(tuple(problems), path.stat().st_size)


def _differences(found: dict[str, Any], truth: Truth) -> tuple[str, ...]:
    expected = {name: getattr(truth, name) for name in found}
    return tuple(f"{name}: {found[name]}, not {expected[name]}" for name in found if found[name] != expected[name])


def _jsonl(path: Path) -> Iterable[dict[str, Any]]:
    import msgspec

    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as lines:
        for line in lines:
            yield decode(line)


def _parquet(path: Path) -> Iterable[dict[str, Any]]:
    import pyarrow.parquet as pq

    wanted = {"product_id", "sku_id", "price", "is_available", "raw"}
    with pq.ParquetFile(path) as file:
        columns = [name for name in file.schema_arrow.names if name in wanted]
        for batch in file.iter_batches(_BATCH, columns=columns):
            yield from batch.to_pylist()
