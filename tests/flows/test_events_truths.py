"""Events from their files to the marts: what the sandbox planted comes out, whatever interrupted the load."""

from __future__ import annotations

from typing import Any

import pytest

from gondola.cli.events import run_events
from gondola.sandbox.events import EventWorld, Rates
from tests.events_truth import assert_events_are_true
from tests.platform import Platform


@pytest.mark.slow
def test_files_to_marts_with_a_load_that_was_cut_off_before_its_build(platform: Platform) -> None:
    rates = Rates(late=0.02, duplicate=0.01, bad=0.01)
    made = EventWorld(seed=11, events=9_000, days=6, rates=rates).write(platform.home / "in", "jsonl", compress=True)
    source = str(platform.home / "in")
    landed = run_events(source, None, build=False)  # and there the process dies
    assert landed.final_status == "complete"
    assert landed.rejected > 0
    again = run_events(source, None)
    assert all(file.status == "duplicate" for file in again.files), "nothing is loaded twice"
    assert again.build is not None

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in platform.query(sql)]

    assert_events_are_true(ask, made.truth)
