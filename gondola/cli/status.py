"""`gondola status` at the terminal."""

from __future__ import annotations

from datetime import datetime, timedelta

from rich.markup import escape

from gondola.cli.display import console, rows_table, status_text
from gondola.serving.status import ScopeStatus, Status, TransformStatus

__all__ = ["print_status"]


def print_status(status: Status, now: datetime) -> None:
    """Say how the platform is, a line for each part that ran.

    Args:
        status: What was read.
        now: The present.
    """
    rate = "no runs" if status.success_rate is None else f"{status.success_rate:.0%} of {status.runs} runs complete"
    console.print(
        f"[bold]{status.lake}[/]: {rate} in {status.days} days; published version {status.published or 'none yet'}"
    )
    for alert in status.alerts:
        line = f"{alert.rule} {alert.subject}: {alert.what} (since {alert.since})"
        console.print(f"[red]alert[/] {escape(line)}", highlight=False)
    if status.scopes:
        names = ("system", "scope", "last run", "last complete", "products", "coverage", "429/503", "error")
        console.print(rows_table(names, [_scope_row(scope, now) for scope in status.scopes]))
    else:
        console.print("Nothing ran yet. Start with: gondola demo, or gondola run market")
    if status.transform is not None:
        _print_transform(status.transform, now)
    if status.ledger:
        title = f"Asked of stores, and its cost, in the last {status.days} days crawled"
        columns = ("store/region", "days", "requests", "429/503", "sent again", "s waited", "MB in", "MB kept", "cost")
        rows = [
            (
                f"{line.supermarket}/{line.region}",
                line.days,
                f"{line.requests:,}",
                line.throttled,
                line.retries,
                f"{line.seconds_waited:,.0f}",
                f"{line.bytes_received / 1e6:,.1f}",
                f"{line.bytes_stored / 1e6:,.1f}",
                f"{line.cost:,.2f}",
            )
            for line in status.ledger
        ]
        console.print(rows_table(columns, rows, title=title))
    sizes = ", ".join(f"{name} {size / 1e6:,.1f} MB" for name, size in status.storage_bytes.items())
    measured = "" if status.storage_at == now else f" ({_age(now - status.storage_at)})"
    console.print(f"storage{measured}: {sizes or 'empty'}", highlight=False)


def _scope_row(scope: ScopeStatus, now: datetime) -> tuple[object, ...]:
    age = "never" if scope.last_complete_at is None else _age(now - scope.last_complete_at)
    return (
        scope.system,
        scope.scope,
        status_text(scope.last_status),
        age if scope.is_fresh(now) else f"{age} (stale)",
        f"{scope.products:,}",
        f"{scope.products / scope.declared:.1%}" if scope.declared else "?",
        scope.throttled,
        scope.error or "",
    )


def _print_transform(transform: TransformStatus, now: datetime) -> None:
    age = _age(now - transform.finished_at)
    if transform.status == "complete":
        tests = "?" if transform.tests_passed is None else transform.tests_passed
        accepted = f"; accepted: {transform.accepted}" if transform.accepted else ""
        console.print(f"last transform {age}: published, {tests} models and tests green{escape(accepted)}")
        return
    console.print(f"[red]last transform {age}: stopped at {transform.stage}[/]; readers keep the copy before")
    for failure in transform.failures[:5]:
        console.print(f"  {escape(failure)}", highlight=False)


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    if hours < 1:
        return f"{hours * 60:.0f} min ago"
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"
