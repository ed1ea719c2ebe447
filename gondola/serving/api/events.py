"""Routes of a web shop's key figures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from gondola.serving.api.access import Guard
from gondola.serving.api.keys import Scope
from gondola.serving.api.replies import IsoDay, Pages, Whole, described, known_parameters
from gondola.serving.reads import events

__all__ = ["events_router"]

First = Annotated[IsoDay | None, Query(description="First day; 29 days before the last by default.")]
Last = Annotated[IsoDay | None, Query(description="Last day; the newest by default.")]


def events_router(guard: Guard) -> APIRouter:
    """Routes that need the scope `events`.

    Args:
        guard: Lets requests through.
    """
    router = APIRouter(
        prefix="/v1/events", tags=["events"], dependencies=[*guard.needs(Scope.EVENTS), Depends(known_parameters)]
    )

    @router.get("/kpis", **described({"engagement_date": "2026-02-05", "sessions": 356, "conversion_rate": "0.0421"}))
    def kpis(reply: Annotated[Whole, Depends()], first: First = None, last: Last = None) -> Response:
        """Users, sessions, conversion and revenue, day by day."""
        return reply(lambda snapshot: events.kpis(snapshot, first=first, last=last))

    @router.get("/funnel", **described({"step": "cart", "sessions_reached": 524, "share_of_step_before": "0.1053"}))
    def funnel(reply: Annotated[Whole, Depends()], first: First = None, last: Last = None) -> Response:
        """How many sessions reached each step towards a purchase."""
        return reply(lambda snapshot: events.funnel(snapshot, first=first, last=last))

    @router.get("/products", **described({"product_id": "10088", "orders": 2, "revenue": "496.76"}))
    def products(reply: Annotated[Pages, Depends()], first: First = None, last: Last = None) -> Response:
        """Products by revenue."""
        return reply(lambda snapshot: events.products(snapshot, first=first, last=last, page=reply.page))

    @router.get("/attribution", **described({"touch": "first", "utm_campaign": "clube", "revenue": "789.79"}))
    def attribution(reply: Annotated[Whole, Depends()], first: First = None, last: Last = None) -> Response:
        """Revenue by the campaign that earned it."""
        return reply(lambda snapshot: events.attribution(snapshot, first=first, last=last))

    @router.get("/cohorts", **described({"cohort_week": "2026-01-05", "week_number": 1, "retention_rate": "0.9256"}))
    def cohorts(reply: Annotated[Whole, Depends()]) -> Response:
        """Which share of the users of a first week came back in each week after it."""
        return reply(events.cohorts)

    @router.get("/segments", **described({"segment": "champions", "users": 11, "revenue": "790.88"}))
    def segments(reply: Annotated[Whole, Depends()]) -> Response:
        """Customers by recency, frequency and money, added up by segment."""
        return reply(events.segments)

    return router
