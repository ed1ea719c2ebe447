"""Fetch retailers' sales, load the star schema, check it, refresh the views, publish."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.transform import transform
from gondola import clock
from gondola.settings import get_settings
from gondola.sources.retailers import load_retailers, select_retailers
from storage.lake import Lake
from tasks.logs import lines_in_run_log
from tasks.retail_report import RetailerDay, RetailSalesReport
from tasks.retail_sales import fetch_retailer, fetched_days, final_state, missing_days, outcome

__all__ = ["retail_sales"]


def _run_name() -> str:
    given = flow_run.get_parameters()
    return f"retail-sales-{given.get('business_date') or 'missing-days'}"


@flow(name="retail-sales", flow_run_name=_run_name, persist_result=False)
def retail_sales(
    business_date: date | None = None,
    retailers: Sequence[str] = (),
    days: Sequence[date] = (),
    *,
    build: bool = True,
) -> State[RetailSalesReport]:
    """Fetch days of every retailer at once, then load, check and publish what came.

    Args:
        business_date: The day to fetch, where each retailer is; by default every day since the first it was asked for
            that is over and did not come whole.
        retailers: Ids of retailers; all enabled ones by default.
        days: Several days, in place of one.
        build: Whether the star schema is loaded and its models are built and published.

    Returns:
        `Complete`, `Partial` (a retailer failed, or a day did not come whole: the rest is kept) or `Failed`, with the
        report as its data.
    """
    settings, began = get_settings(), time.monotonic()
    with lines_in_run_log():
        chosen = select_retailers(load_retailers(settings.retailers_file), retailers)
        wanted = list(days) or ([business_date] if business_date else [])
        fetched = {} if wanted else fetched_days(Lake.open(settings.lake))
        plan = [(config, wanted or missing_days(config, fetched, clock.now())) for config in chosen]
        fetches = [fetch_retailer.submit(settings, config, asked) for config, asked in plan]
        runs: list[RetailerDay] = []
        for (config, asked), fetch in zip(plan, fetches, strict=True):
            runs += outcome(settings, config, asked, fetch.result(raise_on_failure=False))
        report = RetailSalesReport(tuple(runs), time.monotonic() - began)
        # Also when nothing is new: a run that was killed after its files landed has loaded nothing.
        if build and report.status != "failed":
            report = report.built(transform(["retail_sales"], return_state=True).result(raise_on_failure=False))
        return final_state(report)
