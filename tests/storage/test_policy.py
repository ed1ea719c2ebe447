from __future__ import annotations

from pathlib import Path

import pytest

from gondola.errors import ConfigurationError
from gondola.settings import PROJECT_ROOT
from storage.policy import load_policy

HEAD = "rules:\n  - {name: bronze, folder: bronze/market, cool_after_days: 90}\n"


def test_the_policy_that_comes_with_it() -> None:
    policy = load_policy(PROJECT_ROOT / "deployments" / "lifecycle.yaml")
    ages = {rule.name: (rule.cool_after_days, rule.archive_after_days, rule.delete_after_days) for rule in policy.rules}
    assert ages == {
        "bronze": (90, 365, 730),
        "requests": (None, None, 90),
        "slices": (None, None, 90),
        "quality": (None, None, 90),
        "alerts": (None, None, 90),
        "quarantine": (None, None, 365),
        "logs": (None, None, 30),
    }
    assert policy.grace_days == 1


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (HEAD.replace("90", "ninety"), r"rules\[bronze\].cool_after_days: .*integer"),
        (HEAD.replace("90", "0"), r"rules\[bronze\].cool_after_days"),
        (
            HEAD.replace("90", "90, archive_after_days: 30"),
            r"rules\[bronze\]: .*archive_after_days \(30\) must be more",
        ),
        (HEAD.replace("cool_after_days", "delete_after_days"), r"rules\[bronze\]: .*needs cool_after_days"),
        (
            HEAD.replace("cool_", "warm_"),
            r"rules\[bronze\].warm_after_days: unknown field; did you mean 'archive_after_days'",
        ),
        (HEAD + "  - {name: x, folder: silver, delete_after_days: 1}", r"rules\[x\].folder: .*'silver' can't expire"),
        (HEAD + "  - {name: x, folder: metadata/runs, delete_after_days: 1}", r"rules\[x\].folder: .*kept for good"),
        (HEAD + "  - {name: x, folder: metadata/compactions, delete_after_days: 1}", r"rules\[x\].folder"),
        (HEAD + "  - {name: x, folder: metadata, delete_after_days: 1}", r"rules\[x\].folder"),
        (HEAD + "  - {name: x, folder: gold, delete_after_days: 1}", r"rules\[x\].folder"),
        (HEAD + "  - {name: x, folder: logs, cool_after_days: 1}", r"rules\[x\]: .*has tiers"),
        (HEAD + "  - {name: x, folder: bronze/market, cool_after_days: 1}", "more than one rule has the folder"),
        ("rules: [1]", r"rules\[0\]"),
        ("grace_days: -1\nrules: []", "grace_days"),
        ("", "the file"),
        ("rules: [", "not valid YAML"),
    ],
)
def test_a_bad_rule_names_file_rule_and_field(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "lifecycle.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=where) as caught:
        load_policy(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="GONDOLA_LIFECYCLE_FILE"):
        load_policy(tmp_path / "none.yaml")
