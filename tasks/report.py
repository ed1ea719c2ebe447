"""What a market run came to: its truth in one word, its figures, and the tables people read in the UI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Self

from loguru import logger
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from gondola.sources.stores import Store
from gondola.sources.vtex import StorePlan
from tasks.landing import RunReport
from tasks.transform import TransformReport

__all__ = ["MarketReport", "StoreReport", "final_state"]


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What one store's crawl came to."""

    runs: tuple[RunReport, ...]
    failures: dict[str, str]  # "store/region" or "store" -> reason
    not_served: tuple[str, ...]

    @classmethod
    def unplanned(cls, store: Store, error: BaseException) -> Self:
        """A store that could not even be asked for its regions."""
        return cls((), {store.id: _reason(error)}, ())

    @classmethod
    def of(cls, store: Store, plan: StorePlan, outcomes: Sequence[RunReport | BaseException]) -> Self:
        """A planned store, with one outcome for each of the plan's targets."""
        failures = {f"{store.id}/{region.id}": _reason(error) for region, error in plan.unresolved}
        runs: list[RunReport] = []
        for target, outcome in zip(plan.targets, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                failures[f"{store.id}/{target.region.id}"] = _reason(outcome)
            else:
                runs.append(outcome)
        return cls(tuple(runs), failures, tuple(f"{store.id}/{region.id}" for region in plan.not_served))


@dataclass(frozen=True, slots=True)
class MarketReport:
    """One market run: a report for each store-region that landed, a reason for each that did not."""

    business_date: date
    runs: tuple[RunReport, ...]
    failures: dict[str, str]
    not_served: tuple[str, ...]  # "store/region" where the store says that it does not sell
    build: TransformReport | None = None
    build_error: str | None = None

    @classmethod
    def of(cls, business_date: date, stores: Sequence[StoreReport]) -> Self:
        """Bring the stores' reports together."""
        return cls(
            business_date,
            tuple(run for store in stores for run in store.runs),
            {scope: reason for store in stores for scope, reason in store.failures.items()},
            tuple(scope for store in stores for scope in store.not_served),
        )

    @property
    def status(self) -> str:
        """`complete`, `partial` or `failed`."""
        if not self.runs or self.build_error:
            return "failed"
        if self.failures or any(run.status != "complete" for run in self.runs):
            return "partial"
        return "complete"

    @property
    def has_rows(self) -> bool:
        """Whether anything new landed for the models to read."""
        return any(run.written for run in self.runs)

    @property
    def incomplete(self) -> dict[str, tuple[str, ...]]:
        """The slices that are not complete, by "store/region"."""
        return {f"{run.supermarket}/{run.region}": run.incomplete for run in self.runs if run.incomplete}

    def built(self, outcome: TransformReport | BaseException) -> Self:
        """This report with what became of the models."""
        if isinstance(outcome, BaseException):
            return replace(self, build_error=_reason(outcome))
        return replace(self, build=outcome)

    def as_document(self) -> dict[str, Any]:
        """The report as JSON types."""
        return {"status": self.status} | asdict(self) | {"business_date": self.business_date.isoformat()}


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


async def final_state(market: MarketReport) -> State[MarketReport]:
    """Write the artifacts people read, and say in the flow's state how it went.

    Args:
        market: The whole run.
    """
    products = sum(run.received for run in market.runs)
    head = f"{market.status}: {products:,} products from {len(market.runs)} store-regions on {market.business_date}"
    await acreate_markdown_artifact(key="market-run", markdown=_markdown(market), description=head)
    for scope, reason in market.failures.items():
        logger.error("{}: failed: {}", scope, reason)
    missing = [{"store_region": scope, "slice": item} for scope, items in market.incomplete.items() for item in items]
    if missing:
        await acreate_table_artifact(key="market-incomplete-slices", table=missing, description="Slices not complete")
    if market.status == "failed":
        return Failed(name="Failed", message=market.build_error or head, data=market)
    return Completed(name=market.status.capitalize(), message=head, data=market)


def _markdown(market: MarketReport) -> str:
    lines = [
        f"# Market run {market.business_date}: {market.status}",
        "",
        "| store-region | status | products | declared | requests | retries | seconds |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for run in market.runs:
        declared = "?" if run.declared is None else f"{run.declared:,}"
        lines.append(
            f"| {run.supermarket}/{run.region} | {run.status} | {run.received:,} | {declared} | "
            f"{run.requests:,} | {run.retries:,} | {run.seconds:.1f} |"
        )
    lines += [f"| {scope} | failed: {reason} | | | | | |" for scope, reason in market.failures.items()]
    lines += [f"| {scope} | not served | | | | | |" for scope in market.not_served]
    if market.build_error:
        lines += ["", f"Models: {market.build_error}"]
    return "\n".join(lines)
