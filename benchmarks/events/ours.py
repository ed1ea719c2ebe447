"""Gondola's load of one event file into silver: the code that `gondola run events` runs, without Prefect."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from gondola.settings import Settings
from storage.lake import Lake
from tasks.event_files import open_source
from tasks.event_landing import Landing, Loaded

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    settings = Settings.load(lake=str(options.out / "lake"), spool=options.out / "spool")
    lake = Lake.open(settings.lake)
    source = open_source(options.file)
    now = datetime.now(UTC)
    with Landing(lake, settings, started_at=now, loaded=Loaded.read(lake, now)) as landing:
        for file in source.files:
            landing.load(source, file)
        report = landing.commit(source, date(2026, 2, 1), flow_run_id=None)
    silver = str(options.out / "lake" / "silver" / "events" / "events")
    print(json.dumps({"status": report.status, "valid": report.valid, "rejected": report.rejected, "silver": silver}))
    sys.exit(0 if report.status == "complete" else 1)
