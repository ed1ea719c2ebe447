"""What is said, to whom, and how often: an alert once, its end once, whatever happens in between."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gondola.alerts.policy import AlertsFile
from gondola.alerts.state import STATE_FOLDER, TURN, State, StateFile, read_state
from gondola.errors import DataContractError, LakeUnavailableError, UnknownNameError
from storage.lake import Lake
from storage.records import put_run
from tests.alerts.makers import DAY, HOUR, MINUTE, NOW, market_run, store
from tests.alerts.watch import Watch, alerts_file, prefect_of

DEPLOYMENTS = ("market", "transform")


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


steps = st.lists(
    st.fixed_dictionaries(
        {
            "minutes": st.integers(1, 3000),
            "states": st.none() | st.tuples(*[st.sampled_from(["FAILED", "COMPLETED"])] * len(DEPLOYMENTS)),
            "down": st.sets(st.sampled_from(["a", "b"])),
        }
    ),
    max_size=12,
)


# A list this short is read as it is; to shrink it takes minutes.
@settings(
    max_examples=50,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps)
def test_every_episode_is_told_once_and_its_end_once(tmp_path: Path, steps: list[dict[str, Any]]) -> None:
    watch, now = Watch(tmp_path), NOW
    expected: dict[str, list[str]] = {name: [] for name in DEPLOYMENTS}
    wrong = dict.fromkeys(DEPLOYMENTS, False)
    done = {"minutes": 10, "states": ("COMPLETED",) * len(DEPLOYMENTS), "down": set()}
    for step in [*steps, done, done]:
        now += step["minutes"] * MINUTE
        watch.down = step["down"]
        if step["states"] is None:  # no server: nothing is known, so nothing has changed
            watch.check(now)
            continue
        for name, state in zip(DEPLOYMENTS, step["states"], strict=True):
            if wrong[name] is not (state == "FAILED"):
                wrong[name] = not wrong[name]
                expected[name].append("opened" if wrong[name] else "closed")
        before = len(watch.sent)
        report = watch.check(now, prefect_of(now, **dict(zip(DEPLOYMENTS, step["states"], strict=True))))
        told = [channel for channel, _ in watch.sent[before:]]
        assert len(told) == len(set(told)), "one message for each channel"
        assert {alert.subject for alert in report.open} == {name for name in DEPLOYMENTS if wrong[name]}
    for channel in ("a", "b"):
        heard = watch.events(channel)
        assert {name: [event for event, subject in heard if subject == name] for name in DEPLOYMENTS} == expected
    assert read_state(watch.lake).alerts == (), "nothing is left behind"


def test_a_storm_is_one_message(watch: Watch) -> None:
    regions = [f"r{number}" for number in range(30)]
    watch.stores = [store("bistek", *regions), store("closed", "x", enabled=False)]
    watch.check(NOW)
    assert watch.sent == [], "a store that was just added has its day"
    report = watch.check(NOW + 27 * HOUR)
    assert len(report.opened) == 30
    (first, message), (second, _) = watch.take()
    assert {first, second} == {"a", "b"}
    assert len(message.alerts) == 30
    assert message.subject == "Gondola: 30 opened (stale_store)"
    assert message.body.count("What to do:") == 1
    assert message.body.count("- bistek/") == 20
    assert "- and 10 more" in message.body
    watch.check(NOW + 28 * HOUR)
    assert watch.sent == []


def test_records_of_stores_open_and_close_alerts(watch: Watch) -> None:
    watch.stores = [store("bistek", "lages", "criciuma")]
    put_run(watch.lake, market_run("bistek/lages", NOW))
    put_run(watch.lake, market_run("bistek/criciuma", NOW))
    watch.check(NOW)
    put_run(watch.lake, market_run("bistek/lages", NOW + 24 * HOUR))
    watch.check(NOW + 27 * HOUR)
    assert watch.events("a") == [("opened", "bistek/criciuma")]
    put_run(watch.lake, market_run("bistek/criciuma", NOW + 28 * HOUR))
    watch.check(NOW + 28 * HOUR)
    assert watch.events("a") == watch.events("b") == [("opened", "bistek/criciuma"), ("closed", "bistek/criciuma")]
    _, message = watch.sent[-1]
    assert message.all_over
    assert "recovered, after 2 h" in message.body


def test_reminders_of_what_is_critical_come_together_and_then_rest(watch: Watch) -> None:
    watch.policy = alerts_file(run_failed={"remind_hours": None})
    states = dict.fromkeys(("x", "y"), "COMPLETED")
    watch.check(NOW, prefect_of(NOW, **states | {"x": "FAILED"}))
    watch.check(NOW + 5 * HOUR, prefect_of(NOW, **dict.fromkeys(states, "FAILED")))
    assert watch.events("a") == [("opened", "x"), ("opened", "y")]
    watch.take()
    watch.check(NOW + 24 * HOUR - MINUTE, prefect_of(NOW, **dict.fromkeys(states, "FAILED")))
    assert watch.take() == []
    watch.check(NOW + 24 * HOUR, prefect_of(NOW, **dict.fromkeys(states, "FAILED")))
    assert watch.events("a") == [("reminder", "x"), ("reminder", "y")]
    watch.take()
    watch.check(NOW + 47 * HOUR, prefect_of(NOW, **dict.fromkeys(states, "FAILED")))
    assert watch.take() == []
    watch.policy = alerts_file(run_failed={"severity": "warning", "remind_hours": None})
    watch.check(NOW + 90 * HOUR, prefect_of(NOW, **dict.fromkeys(states, "FAILED")))
    assert watch.take() == [], "a warning is said once"


def test_what_flaps_within_its_settling_time_is_one_episode(watch: Watch) -> None:
    watch.policy = alerts_file(run_failed={"settle_minutes": 30})
    for minute, state in enumerate(
        ["FAILED", "COMPLETED", "FAILED", "COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED"]
    ):
        watch.check(NOW + minute * 10 * MINUTE, prefect_of(NOW, x=state))
    assert watch.events("a") == [("opened", "x"), ("closed", "x")]


def test_a_channel_that_was_down_for_a_whole_episode_is_told_all_of_it_at_once(watch: Watch) -> None:
    watch.down = {"a"}
    report = watch.check(NOW, prefect_of(NOW, x="FAILED"))
    assert report.failed == {"a": "channel a is down"}
    assert read_state(watch.lake).failing == report.failed
    watch.check(NOW + HOUR, prefect_of(NOW, x="COMPLETED"))
    assert watch.events("b") == [("opened", "x"), ("closed", "x")]
    watch.down = set()
    watch.check(NOW + 2 * HOUR, prefect_of(NOW, x="COMPLETED"))
    assert watch.events("a") == [("opened", "x"), ("closed", "x")]
    assert len([name for name, _ in watch.sent if name == "a"]) == 1
    assert read_state(watch.lake).failing == {}
    watch.check(NOW + 3 * HOUR, prefect_of(NOW, x="COMPLETED"))
    assert len(watch.sent) == 3


def test_a_channel_set_up_later_hears_of_what_is_open_and_one_that_is_removed_is_waited_for_by_nobody(
    watch: Watch,
) -> None:
    watch.on = ("a",)
    watch.check(NOW, prefect_of(NOW, x="FAILED"))
    watch.on = ("a", "b")
    watch.check(NOW + HOUR, prefect_of(NOW, x="FAILED"))
    assert watch.events("b") == [("opened", "x")]
    watch.on = ("b",)
    watch.policy = AlertsFile.model_validate({"channels": [{"name": "b", "kind": "webhook", "variable": "B"}]})
    watch.check(NOW + 2 * HOUR, prefect_of(NOW, x="COMPLETED"))
    assert read_state(watch.lake).alerts == ()
    assert watch.events("a") == [("opened", "x")]


def test_a_channel_off_here_is_told_by_a_check_elsewhere_for_a_week(watch: Watch) -> None:
    watch.check(NOW, prefect_of(NOW, x="FAILED"))
    watch.on = ("b",)
    watch.check(NOW + HOUR, prefect_of(NOW, x="COMPLETED"))
    assert len(read_state(watch.lake).alerts) == 1
    watch.check(NOW + 8 * DAY, prefect_of(NOW, x="COMPLETED"))
    assert read_state(watch.lake).alerts == ()


def test_a_rule_that_is_switched_off_ends_its_alerts_and_says_so(watch: Watch) -> None:
    watch.check(NOW, prefect_of(NOW, x="FAILED"))
    watch.policy = alerts_file(run_failed={"enabled": False})
    watch.check(NOW + HOUR, prefect_of(NOW, x="FAILED"))
    assert watch.events("a") == [("opened", "x"), ("closed", "x")]
    assert "no longer watched" in watch.sent[-1][1].body
    assert "recovered" not in watch.sent[-1][1].body


def test_rules_go_to_their_channels_only(watch: Watch) -> None:
    watch.policy = alerts_file(run_failed={"channels": ["b"]})
    watch.check(NOW, prefect_of(NOW, x="FAILED"))
    assert [name for name, _ in watch.sent] == ["b"]


class Killed(BaseException):
    """What a SIGKILL is to a process, as nothing catches it."""


def test_a_check_that_is_killed_repeats_one_message_at_most(watch: Watch) -> None:
    def die_at_second() -> None:
        if len(watch.sent) == 2:
            raise Killed

    watch.after_sending = die_at_second
    with pytest.raises(Killed):
        watch.check(NOW, prefect_of(NOW, x="FAILED"))
    watch.after_sending = lambda: None
    assert not watch.check(NOW + MINUTE, prefect_of(NOW, x="FAILED")).checked, "its turn has not run out"
    watch.check(NOW + TURN, prefect_of(NOW, x="FAILED"))
    assert watch.events("a") == [("opened", "x")], "what was told and noted is not told again"
    assert watch.events("b") == [("opened", "x")] * 2, "what was told and not noted is"
    watch.check(NOW + HOUR, prefect_of(NOW, x="FAILED"))
    assert len(watch.sent) == 3


def test_a_check_that_fails_gives_its_turn_back(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*args: Any, **kwargs: Any) -> None:
        raise LakeUnavailableError(str(args))

    with monkeypatch.context() as patched:
        patched.setattr("gondola.alerts.check.read_facts", unavailable)
        with pytest.raises(LakeUnavailableError):
            watch.check(NOW, prefect_of(NOW, x="FAILED"))
    assert watch.check(NOW, prefect_of(NOW, x="FAILED")).sent == {"a": 1, "b": 1}


def test_a_check_that_was_overtaken_stops(watch: Watch) -> None:
    def overtake() -> None:
        watch.after_sending = lambda: None
        assert watch.check(NOW + TURN, prefect_of(NOW, x="FAILED")).checked

    watch.after_sending = overtake
    report = watch.check(NOW, prefect_of(NOW, x="FAILED"))
    assert not report.checked
    assert [name for name, _ in watch.sent] == ["a", "a", "b"], "it does not go on to the next channel"


def test_two_checks_at_once_tell_everybody_once(lake: Lake, tmp_path: Path) -> None:
    """On every kind of storage: of the checks that begin together one has the turn."""
    watches = [Watch(tmp_path / str(number), lake=lake) for number in range(4)]
    barrier = threading.Barrier(len(watches))
    reports = []

    def run(watch: Watch) -> None:
        barrier.wait()
        reports.append(watch.check(NOW, prefect_of(NOW, x="FAILED", y="FAILED")))

    threads = [threading.Thread(target=run, args=(watch,)) for watch in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == len(watches)
    told = [name for watch in watches for name, _ in watch.sent]
    assert sorted(told) == ["a", "b"]
    assert any(report.checked for report in reports)


def test_what_was_sent_is_on_record(lake: Lake, tmp_path: Path) -> None:
    watch = Watch(tmp_path, lake=lake, down={"b"})
    watch.check(NOW, prefect_of(NOW, x="FAILED"))
    watch.check(NOW, prefect_of(NOW, x="COMPLETED"))  # within the same second
    rows = []
    for entry in lake.find("metadata/alerts/system=alerts", ".parquet"):
        with lake.open_file(entry.key) as file:
            rows += pq.read_table(file).to_pylist()
    assert sorted((row["channel"], row["event"], row["subject"], row["closed_at"]) for row in rows) == [
        ("a", "closed", "x", NOW),
        ("a", "opened", "x", None),
    ]


def test_states_are_few_and_only_the_last_counts(watch: Watch) -> None:
    for number in range(30):
        watch.check(NOW + number * MINUTE)
    assert len(watch.lake.find(STATE_FOLDER)) == 20
    assert read_state(watch.lake).checked_at == NOW + 29 * MINUTE

    sleeper = StateFile(watch.lake, 5, State())
    assert not sleeper.put(State()), "its number is free again, but the others went on"
    assert read_state(watch.lake).checked_at == NOW + 29 * MINUTE
    assert len(watch.lake.find(STATE_FOLDER)) == 20


def test_a_state_that_is_none_of_ours_is_not_overwritten(watch: Watch) -> None:
    watch.lake.put(f"{STATE_FOLDER}/00000007.json", b'{"version": 2}')
    with pytest.raises(DataContractError, match=r"00000007\.json"):
        watch.check(NOW)
    assert len(watch.lake.find(STATE_FOLDER)) == 1


def test_a_rule_about_a_store_that_does_not_exist_is_an_error(watch: Watch) -> None:
    watch.policy = alerts_file(product_count={"stores": ["bistec"]})
    watch.stores = [store("bistek")]
    with pytest.raises(UnknownNameError, match="bistek"):
        watch.check(NOW)


def test_what_is_not_known_is_said(watch: Watch) -> None:
    report = watch.check(NOW, "no Prefect server is configured")
    assert report.skipped["run_failed"] == report.skipped["run_late"] == "no Prefect server is configured"
    watch.check(NOW, prefect_of(NOW, x="FAILED"))
    assert len(watch.check(NOW + timedelta(days=3), "it does not answer").open) == 1, "silence is no recovery"
