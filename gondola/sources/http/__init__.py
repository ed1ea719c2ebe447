"""The one HTTP client of all sources: limits, retries, robots.txt and the books of every request."""

from gondola.sources.http.fetcher import Ask, Fetcher, Host, HttpStatusError, RetryPolicy, Site
from gondola.sources.http.outcome import OnRequest, RequestOutcome

__all__ = ["Ask", "Fetcher", "Host", "HttpStatusError", "OnRequest", "RequestOutcome", "RetryPolicy", "Site"]
