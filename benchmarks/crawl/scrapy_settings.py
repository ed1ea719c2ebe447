"""Settings both Scrapy clients run with: as fast as Scrapy goes, robots.txt obeyed as we obey it."""

from __future__ import annotations

from typing import Any

from scrapy.crawler import Crawler
from scrapy.http import Response

from benchmarks.crawl.common import USER_AGENT

__all__ = ["SETTINGS", "finished", "resources"]

SETTINGS: dict[str, Any] = {
    "USER_AGENT": USER_AGENT,
    "ROBOTSTXT_OBEY": True,
    "DOWNLOAD_DELAY": 0,
    "TELNETCONSOLE_ENABLED": False,
    "COOKIES_ENABLED": False,
    # A line per item, the default, would measure logging.
    "LOG_LEVEL": "ERROR",
}


def resources(response: Response) -> str:
    """The header that says how many products a category has."""
    return (response.headers["resources"] or b"").decode()


def finished(crawler: Crawler) -> bool:
    """Whether a crawl ended by itself and without an error logged."""
    stats = crawler.stats.get_stats() if crawler.stats else {}
    return stats.get("finish_reason") == "finished" and not stats.get("log_count/ERROR")
