"""The status as metrics that Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from gondola.serving.status import ScopeStatus, Status

__all__ = ["CONTENT_TYPE", "prometheus_text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SCOPE = ("system", "scope")
_STORE = ("supermarket", "region")


def prometheus_text(status: Status) -> str:
    """The status in Prometheus' text format.

    Every figure is a gauge: it is read anew at each scrape from what lies on the lake, so it may fall, and it holds
    for all processes alike. What is unknown has no sample, never a 0.

    Args:
        status: What `read_status` gave.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status))
    return generate_latest(registry).decode()


class _Collector:
    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterable[Metric]:
        yield from _of_scopes(self._status.scopes)
        yield from _of_the_ledger(self._status)
        yield from _of_the_platform(self._status)


def _of_scopes(scopes: Iterable[ScopeStatus]) -> Iterable[Metric]:
    gauges = {
        name: GaugeMetricFamily(f"gondola_{name}", help_text, labels=_SCOPE)
        for name, help_text in {
            "last_run_timestamp_seconds": "End of the last run.",
            "last_complete_timestamp_seconds": "End of the last complete run.",
            "last_run_complete": "1 when the last run is complete.",
            "last_run_products": "Products the last run received.",
            "last_run_declared_products": "Products the source declared to the last run.",
            "last_run_requests": "Requests of the last run.",
            "last_run_throttled": "Answers 429 and 503 in the last run.",
        }.items()
    }
    for scope in scopes:
        complete = scope.last_complete_at.timestamp() if scope.last_complete_at else None
        for name, value in {
            "last_run_timestamp_seconds": scope.last_run_at.timestamp(),
            "last_complete_timestamp_seconds": complete,
            "last_run_complete": scope.last_status == "complete",
            "last_run_products": scope.products,
            "last_run_declared_products": scope.declared,
            "last_run_requests": scope.requests,
            "last_run_throttled": scope.throttled,
        }.items():
            if value is not None:
                gauges[name].add_metric((scope.system, scope.scope), float(value))
    return gauges.values()


def _of_the_ledger(status: Status) -> Iterable[Metric]:
    window = f"in the last {status.days} days that were crawled"
    gauges = {
        name: GaugeMetricFamily(f"gondola_store_{name}", f"{help_text} {window}.", labels=_STORE)
        for name, help_text in {
            "requests": "Requests to the store",
            "throttled": "Answers 429 and 503 of the store",
            "retries": "Requests sent again",
            "seconds_waited": "Seconds waited out of politeness",
            "bytes_received": "Bytes received from the store",
            "bytes_stored": "Bytes of bronze written",
            "cost": "Price, in the currency of the price list,",
        }.items()
    }
    for line in status.ledger:
        for name, gauge in gauges.items():
            gauge.add_metric((line.supermarket, line.region), float(getattr(line, name)))
    return gauges.values()


def _of_the_platform(status: Status) -> Iterable[Metric]:
    rate = GaugeMetricFamily("gondola_success_ratio", f"Complete runs of all runs in {status.days} days.")
    if status.success_rate is not None:
        rate.add_metric((), status.success_rate)
    yield rate
    yield GaugeMetricFamily("gondola_runs", f"Runs in {status.days} days.", value=status.runs)

    storage = GaugeMetricFamily("gondola_storage_bytes", "Bytes on the lake by area.", labels=("area",))
    for area, size in status.storage_bytes.items():
        storage.add_metric((area,), size)
    yield storage

    alerts = GaugeMetricFamily(
        "gondola_open_alert", "1 for each alert that is open.", labels=("rule", "subject", "severity")
    )
    for rule, subject, severity in sorted({(one.rule, one.subject, one.severity) for one in status.alerts}):
        alerts.add_metric((rule, subject, severity), 1)
    yield alerts

    transform = GaugeMetricFamily(
        "gondola_transform_ok",
        "1 when the last transform was published; its stage says where it stopped.",
        labels=("stage",),
    )
    ended = GaugeMetricFamily("gondola_transform_timestamp_seconds", "End of the last transform.")
    tests = GaugeMetricFamily("gondola_dbt_passed", "Models and tests of dbt that passed in the last transform.")
    if status.transform is not None:
        transform.add_metric((status.transform.stage or "",), status.transform.status == "complete")
        ended.add_metric((), status.transform.finished_at.timestamp())
        if status.transform.tests_passed is not None:
            tests.add_metric((), status.transform.tests_passed)
    yield from (transform, ended, tests)

    version = GaugeMetricFamily("gondola_published_timestamp_seconds", "When readers' copy was published.")
    published = _moment(status.published)
    if published is not None:
        version.add_metric((), published.timestamp())
    yield version


def _moment(version: str | None) -> datetime | None:
    try:
        return datetime.strptime(version or "", "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None  # nothing is published, or under a name of its own
