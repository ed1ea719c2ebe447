"""Crawl shelves, build the market's models, publish: the whole pipeline of the market system."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.transform import transform
from gondola.clock import today
from gondola.settings import get_settings
from gondola.sources.stores import Store
from tasks.logs import lines_in_run_log
from tasks.market import CrawlSession, choose_stores, crawl_region, open_session, plan_store
from tasks.report import MarketReport, StoreReport, final_state

__all__ = ["market"]


def _run_name() -> str:
    return f"market-{flow_run.get_parameters().get('business_date') or today()}"


@flow(name="market", flow_run_name=_run_name, persist_result=False)
async def market(
    business_date: date | None = None, stores: Sequence[str] = (), regions: Sequence[str] = (), *, build: bool = True
) -> State[MarketReport]:
    """Crawl every chosen store-region, then build and publish the models.

    Args:
        business_date: The day to crawl; today in São Paulo when not given.
        stores: Store ids; none means every enabled store.
        regions: Region ids; none means every region.
        build: Whether models are built and published after the crawl.

    Returns:
        `Complete`, `Partial` or `Failed`, with the report as its data.
    """
    settings = get_settings()
    with lines_in_run_log():
        chosen, day = choose_stores(settings, stores, regions, business_date)
        async with open_session(settings, day) as session:
            crawled = await asyncio.gather(*(crawl_store(session, store) for store in chosen))
        report = MarketReport.of(day, crawled)
        if build and report.has_rows:
            built = transform(["market"], return_state=True)
            report = report.built(await built.aresult(raise_on_failure=False))
        return await final_state(report)


async def crawl_store(session: CrawlSession, store: Store) -> StoreReport:
    """Plan one store, then crawl its regions; what fails here stops no other store."""
    try:
        plan = await plan_store(session, store)
    except Exception as error:  # noqa: BLE001 - any failure of one store is a line of the report
        return StoreReport.unplanned(store, error)
    crawls = (session.in_turn(target, crawl_region) for target in plan.targets)
    return StoreReport.of(store, plan, await asyncio.gather(*crawls, return_exceptions=True))
