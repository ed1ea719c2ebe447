"""VTEX storefronts: plan a store's crawls, crawl them completely, and find out how a store works."""

from gondola.sources.http.fetcher import Fetcher
from gondola.sources.vtex.contract import (
    CrawlOptions,
    CrawlResult,
    CrawlTarget,
    Progress,
    RejectedRow,
    RequestOutcome,
    Sink,
    SliceOutcome,
    StorePlan,
)
from gondola.sources.vtex.crawl import crawl
from gondola.sources.vtex.probe import ProbeReport, probe
from gondola.sources.vtex.regions import plan_store

__all__ = [
    "CrawlOptions",
    "CrawlResult",
    "CrawlTarget",
    "Fetcher",
    "ProbeReport",
    "Progress",
    "RejectedRow",
    "RequestOutcome",
    "Sink",
    "SliceOutcome",
    "StorePlan",
    "crawl",
    "plan_store",
    "probe",
]
