"""The table, and the goals it is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.crawl.catalogue import Truth
from benchmarks.measure import Usage, median_of, ratio_of

if TYPE_CHECKING:
    from benchmarks.measure import Measure

__all__ = ["Measurements", "render"]

_REFERENCES = ("scrapy_json", "scrapy_tuned", "scrapy_tuned_raw", "bare")


@dataclass(frozen=True)
class Measurements:
    """All rounds of all clients."""

    truth: Truth
    latency: float
    concurrency: int
    usages: dict[str, list[Usage]]
    server: dict[str, list[dict[str, Any]]]
    output_bytes: dict[str, int | None]

    @property
    def fewest_requests(self) -> int:
        """The category tree and each leaf page once."""
        return self.truth.pages + 1

    def ratio(self, name: str, to: str, measure: Measure) -> float | None:
        """The median of the rounds' ratios, where both ran."""
        if name not in self.usages or to not in self.usages:
            return None
        return ratio_of(self.usages[name], self.usages[to], measure)


def render(measured: Measurements) -> str:
    """A Markdown table of medians and ratios, then the goals."""
    truth = measured.truth
    rounds = len(next(iter(measured.usages.values())))
    head = (
        f"{truth.products:,} products, {truth.skus:,} SKUs, {truth.leaves} leaves, {truth.pages} pages, "
        f"{truth.page_bytes / 1e6:.0f} MB of JSON ({truth.page_bytes / truth.products / 1e3:.1f} KB a product, "
        f"{truth.gzip_bytes / 1e6:.0f} MB gzipped), latency {measured.latency * 1000:.0f} ms, "
        f"{measured.concurrency} in flight, {rounds} interleaved rounds, medians"
    )
    titles = ["client", "wall s", "cpu s", "peak MB", "requests / fewest", "server busy", "output / raw JSON"]
    titles += [f"{what} x {to}" for to in _REFERENCES if to in measured.usages for what in ("wall", "cpu")]
    lines = [head, "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    lines.extend(_row(measured, name) for name in measured.usages)
    lines.extend(["", *_goals(measured)])
    return "\n".join(lines)


def _row(measured: Measurements, name: str) -> str:
    usages, asked = measured.usages[name], measured.server[name]
    requests = median(a["requests"] for a in asked) / measured.fewest_requests
    busy = median(a["cpu"] / usage.wall for a, usage in zip(asked, usages, strict=True))
    kept = measured.output_bytes.get(name)
    cells = [
        name,
        f"{median_of(usages, 'wall'):.2f}",
        f"{median_of(usages, 'cpu'):.2f}",
        f"{median_of(usages, 'peak_mb'):.0f}",
        f"{requests:.3f}",
        f"{busy:.0%}",
        "-" if kept is None else f"{kept / measured.truth.raw_bytes:.3f}",
    ]
    for to in _REFERENCES:
        if to in measured.usages:
            cells += [f"{measured.ratio(name, to, 'wall'):.3f}", f"{measured.ratio(name, to, 'cpu'):.3f}"]
    return "| " + " | ".join(cells) + " |"


def _goals(measured: Measurements) -> Iterator[str]:
    """Each goal that these runs can judge, with what was reached."""
    if "ours" not in measured.usages:
        return
    ours = measured.usages["ours"]
    judged: list[tuple[str, float | None, float]] = []
    if measured.latency == 0:
        judged += [
            ("cpu / scrapy_json", measured.ratio("ours", "scrapy_json", "cpu"), 1 / 6),
            ("cpu / scrapy_tuned", measured.ratio("ours", "scrapy_tuned", "cpu"), 1 / 2),
            ("cpu / scrapy_tuned_raw", measured.ratio("ours", "scrapy_tuned_raw", "cpu"), 1 / 2),
        ]
    else:
        floor = ceil(measured.fewest_requests / measured.concurrency) * measured.latency
        yield f"latency floor: {floor:.2f} s"
        judged.append(("wall / bare", measured.ratio("ours", "bare", "wall"), 1.15))
    judged.append(("peak MB", median_of(ours, "peak_mb"), 200))
    kept = measured.output_bytes.get("ours")
    judged.append(("bronze / raw JSON bytes", kept and kept / measured.truth.raw_bytes, 0.1))
    for label, reached, goal in judged:
        if reached is not None:
            yield f"{'reached' if reached <= goal else 'MISSED '} {label}: {reached:.3f}, goal at most {goal:.3f}"
