"""The alerts file: what is shipped can be used, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gondola.alerts.policy import AlertsFile, load_alerts
from gondola.errors import ConfigurationError, UnknownNameError
from gondola.settings import PROJECT_ROOT

SHIPPED = PROJECT_ROOT / "deployments" / "alerts.yaml"


def test_the_shipped_file_has_the_thresholds_of_the_docs() -> None:
    alerts = load_alerts(SHIPPED)
    rules = alerts.rules
    assert set(rules.by_name()) == {
        "run_failed",
        "run_late",
        "stale_store",
        "success_rate",
        "product_count",
        "build_failed",
        "gate_tripped",
        "checks_failed",
        "storage",
    }
    assert all(rule.enabled for rule in rules.by_name().values())
    assert (rules.stale_store.hours, rules.success_rate.share, rules.product_count.share) == (24, 0.95, 0.80)
    assert (rules.run_late.minutes, rules.storage.disk_share, rules.product_count.runs) == (15, 0.80, 7)
    # Nobody is woken by a warning.
    woken = {name for name in rules.by_name() if "pagerduty" in {c.name for c in alerts.channels_of(name)}}
    assert woken == {"run_failed", "stale_store", "build_failed", "gate_tripped"}
    docs = (PROJECT_ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in docs for name in rules.by_name()), "every rule is in the docs"
    assert all(channel.variable in docs for channel in alerts.channels)


def test_an_empty_file_has_every_rule_on_and_tells_nobody(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text("")
    alerts = load_alerts(tmp_path / "alerts.yaml")
    assert alerts == AlertsFile()
    assert alerts.channels_of("stale_store") == ()


def test_budgets_are_written_as_people_say_them(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text('rules: {storage: {budgets: {default: 2 GB, "s3://a/b": 1 TiB}}}')
    assert load_alerts(tmp_path / "a.yaml").rules.storage.budgets == {"default": 2_000_000_000, "s3://a/b": 1024**4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: {stale_store: {hours: 0}}", "rules.stale_store.hours: Input should be greater than 0"),
        ("rules: {stale_store: {hour: 3}}", "rules.stale_store.hour: unknown field; did you mean 'hours'?"),
        ("rules: {stale_stores: {}}", "rules.stale_stores: unknown field; did you mean 'stale_store'?"),
        ("rules: {success_rate: {severity: loud}}", "rules.success_rate.severity"),
        ("rules: {run_late: {channels: [slak]}}", "rules.run_late.channels: unknown channel 'slak'; known: none"),
        (
            "channels: [{name: team, kind: slack, variable: A}]\nrules: {run_late: {channels: [tem]}}",
            "did you mean 'team'?",
        ),
        ("channels: [{name: a, kind: fax, variable: A}]", "channels[a].kind"),
        (
            "channels: [{name: a, kind: slack, variable: A, colour: b}]",
            "channels[a].colour: unknown field; known: name",
        ),
        ("channels: [{name: A!, kind: slack, variable: A}]", "channels[A!].name"),
        ("channels: [{name: a, kind: slack}]", "channels[a].variable: Field required"),
        ("channels: [{name: a, kind: slack, variable: GONDOLA_URL}]", "not GONDOLA_"),
        ("channels: [{name: a, kind: slack, variable: A, header_variables: {B: C}}]", "of kind webhook"),
        ("channels: [{name: a, kind: slack, variable: A, endpoint: 'https://x'}]", "of kind pagerduty"),
        ("channels: [{name: a, kind: slack, variable: A}, {name: a, kind: teams, variable: B}]", "not unique: a"),
        ("version: 2", "version"),
        ("- 1", "valid dictionary"),
        ("a: [", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_alerts(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_address_written_into_the_file_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("channels: [{name: a, kind: slack, variable: 'https://hooks/SECRET'}]")
    with pytest.raises(ConfigurationError) as caught:
        load_alerts(tmp_path / "a.yaml")
    assert "SECRET" not in str(caught.value)
    assert "name of an environment variable" in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_file_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="GONDOLA_ALERTS_FILE"):
        load_alerts(tmp_path / "no.yaml")


def test_a_rule_for_a_store_that_does_not_exist_watches_nothing_silently() -> None:
    alerts = AlertsFile.model_validate({"rules": {"stale_store": {"stores": ["bistec"]}}})
    with pytest.raises(UnknownNameError, match=r"rules\.stale_store\.stores: unknown store 'bistec'; did you mean"):
        alerts.check_stores(["bistek", "giassi"])
