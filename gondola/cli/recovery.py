"""Backup, restore, backfill, and what the lake takes: commands of those who keep the platform."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

import typer

from gondola import clock
from gondola.cli.display import console, output, print_document, rows_table
from gondola.logs import configure_logs
from gondola.settings import get_settings

__all__ = ["add_recovery"]

_AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def add_recovery(app: typer.Typer) -> None:
    """Add the commands of this module to the command line."""
    app.command(epilog="Example: gondola backup")(backup)
    app.command(epilog="Example: gondola restore --list")(restore)
    app.command(epilog="Example: gondola backfill market --from 2026-02-01 --to 2026-02-28 --dry-run")(backfill)
    app.command(epilog="Example: gondola storage --json")(storage)


def backup(as_json: _AsJson = False) -> None:
    """Back up the published warehouse to the lake, and drop backups that are too old."""
    from storage.backup import put_backup, remove_old_backups
    from storage.lake import Lake

    settings = get_settings()
    lake = Lake.open(settings.lake)
    info = put_backup(lake, settings.warehouse)
    removed = remove_old_backups(lake, days=settings.backup_days)
    if as_json:
        _emit(asdict(info) | {"key": info.key, "removed": removed})
    else:
        gone = f"; {len(removed)} older than {settings.backup_days} days removed" if removed else ""
        console.print(f"version {info.version} is at {lake.url(info.key)}, {info.bytes / 1e6:,.1f} MB{gone}")


def restore(
    version: Annotated[str | None, typer.Option(help="Which backup; the newest by default.")] = None,
    only_list: Annotated[bool, typer.Option("--list", help="List the backups and do nothing.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Put a backup in the place of the warehouse, and publish it. What landed since is built by the next transform."""
    from storage.backup import list_backups
    from storage.lake import Lake

    settings = get_settings()
    if only_list:
        backups = list_backups(Lake.open(settings.lake))
        if as_json:
            _emit([asdict(info) for info in backups])
        else:
            rows = [(info.version, info.created_at, f"{info.bytes / 1e6:,.1f}", info.duckdb) for info in backups]
            output.print(rows_table(("version", "backed up", "MB", "DuckDB"), rows))
        return
    configure_logs(settings)
    from tasks.backup import restore_warehouse

    info, published = restore_warehouse(settings, version)
    if as_json:
        _emit({"restored": asdict(info), "published": published.version})
        return
    console.print(f"version {info.version} of {info.created_at:%Y-%m-%d %H:%M} UTC is the warehouse, and published")
    console.print("Now build what landed since: gondola transform")


def backfill(
    system: Annotated[str, typer.Argument(help="Which system.")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Every day that was crawled, not only those of which readers miss something.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is to do.")] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the record.")] = "",
    as_json: _AsJson = False,
) -> None:
    """Do days of the past again: those that are missing, or all of a range. Run again it goes on where it was ended."""
    configure_logs(get_settings())
    from flows.backfill import BACKFILLS, plan
    from flows.backfill import backfill as backfill_flow

    days = first.date(), last.date()
    if dry_run:
        made = plan(system, *days, everything=everything, reason=reason)
    else:
        plan(system, *days, everything=everything)  # what is wrong with the arguments is said before a flow begins
        made = backfill_flow(system, *days, everything=everything, reason=reason)
    if as_json:
        _emit({"status": "planned" if dry_run else "complete", "note": BACKFILLS[system].note} | made.as_document())
        return
    console.print(BACKFILLS[system].note)
    if made.resumed:
        console.print(f"An earlier run was ended after {made.resumed}; this one does what it left.", highlight=False)
    if made.never_crawled:
        console.print(f"No crawl exists of {_spans(made.never_crawled)}; a shelf has no history.", highlight=False)
    for day, missing in made.missing.items():
        console.print(f"{day}: {missing}", highlight=False)
    verb = "to do" if dry_run else "done"
    console.print(f"{len(made.days)} days {verb}: {_spans(made.days) or 'none'}", highlight=False)


def storage(as_json: _AsJson = False) -> None:
    """Show what the lake takes, by area, system and month, and how it grew in a week."""
    from tasks.maintenance import read_storage

    report = read_storage(get_settings(), now=clock.now())
    if as_json:
        _emit(report.as_document())
        return
    rows = [
        (line.area, line.system, line.month, f"{line.files:,}", f"{line.bytes / 1e6:,.1f}")
        for line in report.usage.lines
    ]
    output.print(rows_table(("area", "system", "month", "files", "MB"), rows, title=report.lake))
    growth = "" if report.growth is None else f", {report.growth / 1e6:+,.1f} MB since {report.week_ago:%Y-%m-%d}"
    disk = "" if report.usage.disk_used_share is None else f"; the disk is {report.usage.disk_used_share:.0%} full"
    console.print(f"{report.usage.bytes / 1e6:,.1f} MB in {report.usage.files:,} files{growth}{disk}", highlight=False)
    for run in report.lost_runs:
        console.print(f"[red]lost[/] the bronze file of {run} is gone from the lake", highlight=False)


def _emit(document: Any) -> None:
    print_document(json.dumps(document, default=str, ensure_ascii=False, indent=2))


def _spans(days: Sequence[date]) -> str:
    """Days as spans: 2026-02-01..2026-02-03, 2026-02-07."""
    spans: list[list[date]] = []
    for day in days:
        if spans and (day - spans[-1][-1]).days == 1:
            spans[-1] = [spans[-1][0], day]
        else:
            spans.append([day])
    return ", ".join("..".join(str(day) for day in dict.fromkeys(span)) for span in spans)
