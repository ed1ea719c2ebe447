"""`gondola alerts`: check them, list them, try the channels."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gondola import clock
from gondola.cli import display
from gondola.logs import configure_logs
from gondola.settings import get_settings

if TYPE_CHECKING:
    from gondola.alerts.episodes import Alert

__all__ = ["alerts_app"]

alerts_app = typer.Typer(no_args_is_help=True, help="What is wrong, and who is told.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@alerts_app.command("check", epilog="Example: gondola alerts check")
def check(as_json: AsJson = False) -> None:
    """Check every rule once and tell the channels what is news; for cron, where no Prefect server runs.

    Open alerts are no failure of the command: it exits with 1 when a channel did not take its message.
    """
    import flows  # noqa: F401 - the defaults of Prefect's settings
    from tasks.alerts import run_check

    configure_logs(get_settings())
    report = run_check(get_settings())
    if as_json:
        document = {name: getattr(report, name) for name in ("checked", "sent", "failed", "skipped", "off")}
        for name in ("opened", "closed", "open"):
            document[name] = [alert.model_dump(mode="json") for alert in getattr(report, name)]
        _emit(document)
    elif not report.checked:
        display.console.print("Another check is under way; it tells everybody.")
    else:
        _print_open(report.open, clock.now())
        lines = [f"told {name}: {count} alerts" for name, count in report.sent.items()]
        lines += [f"not told: {reason}" for reason in report.failed.values()]
        lines += [f"channel {name} is off: {reason}" for name, reason in report.off.items()]
        lines += [f"rule {name} was skipped: {reason}" for name, reason in report.skipped.items()]
        for line in lines:
            display.console.print(line, highlight=False, markup=False)
    sys.exit(1 if report.failed else 0)


@alerts_app.command("list", epilog="Example: gondola alerts list --json")
def list_open(as_json: AsJson = False) -> None:
    """List the open alerts with their age, as the last check left them."""
    from gondola.alerts.state import read_state
    from storage.lake import Lake

    state = read_state(Lake.open(get_settings().lake))
    alerts = tuple(alert for alert in state.alerts if alert.is_open)
    now = clock.now()
    if as_json:
        open_alerts = [
            alert.model_dump(mode="json") | {"age_seconds": int((now - alert.since).total_seconds())}
            for alert in alerts
        ]
        _emit({"checked_at": state.checked_at, "open": open_alerts, "failing": state.failing})
        return
    _print_open(alerts, now)
    for reason in state.failing.values():
        display.console.print(f"not told: {reason}", highlight=False, markup=False)
    checked = f"{state.checked_at:%Y-%m-%d %H:%M} UTC" if state.checked_at else "never; run: gondola alerts check"
    display.console.print(f"last check: {checked}", highlight=False)


@alerts_app.command("test", epilog="Example: gondola alerts test --channel slack")
def try_channels(
    channel: Annotated[str | None, typer.Option(help="Only this channel; all that are on by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send a message marked as a test through each channel, and say which took it."""
    import flows  # noqa: F401 - the defaults of Prefect's settings
    from gondola.alerts.notify import trial_message
    from gondola.alerts.policy import load_alerts
    from gondola.errors import DeliveryError
    from tasks.channels import open_channels

    policy = load_alerts(get_settings().alerts_file)
    wanted = [policy.channel(channel)] if channel else list(policy.channels)
    channels = open_channels(policy)
    results: dict[str, str] = {}
    for one in wanted:
        if one.name in channels.off:
            results[one.name] = f"off: {channels.off[one.name]}"
            continue
        try:
            channels.send(one, trial_message(one.name, clock.now()))
            results[one.name] = "sent"
        except DeliveryError as error:
            results[one.name] = f"failed: {error}"
    if as_json:
        _emit(results)
    else:
        for name, result in results.items():
            display.console.print(f"{name}: {result}", highlight=False, markup=False)
    # A channel that nobody set up is no failure, unless it was asked for or there is no other.
    failed = any(result.startswith("failed") for result in results.values())
    sys.exit(1 if failed or "sent" not in results.values() else 0)


def _print_open(alerts: tuple[Alert, ...], now: datetime) -> None:
    from gondola.alerts.notify import duration

    if not alerts:
        display.console.print("No alert is open.")
        return
    rows = [
        (
            alert.severity.value,
            alert.rule,
            alert.subject,
            duration(now - alert.since),
            alert.what,
            ", ".join(sorted(name for name, said in alert.channels.items() if said.opened)) or "nobody yet",
        )
        for alert in sorted(alerts, key=lambda alert: (alert.severity, alert.since))
    ]
    display.output.print(display.rows_table(("severity", "rule", "about", "since", "what", "told"), rows))


def _emit(document: Any) -> None:
    display.print_document(json.dumps(document, default=str, ensure_ascii=False, indent=2))
