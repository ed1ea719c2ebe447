"""The rules: each looks at the facts and says what is wrong, what is well, and what it watches at all.

A subject that a rule can't judge is neither: no server, no record yet, too few runs. An open alert about it stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gondola.alerts.facts import Facts
from gondola.alerts.policy import Rules
from gondola.alerts.rules.flow_runs import run_failed, run_late
from gondola.alerts.rules.house import build_failed, checks_failed, gate_tripped, storage
from gondola.alerts.rules.shelves import product_count, stale_store, success_rate
from gondola.alerts.rules.verdict import Finding, Verdict

__all__ = ["Finding", "Verdict", "judge"]

_RULES: dict[str, Callable[[Facts, Any], Verdict]] = {
    rule.__name__: rule
    for rule in (
        run_failed,
        run_late,
        stale_store,
        success_rate,
        product_count,
        build_failed,
        gate_tripped,
        checks_failed,
        storage,
    )
}


def judge(facts: Facts, rules: Rules) -> dict[str, Verdict]:
    """Ask every rule.

    Args:
        facts: What they look at.
        rules: Which are on, and their thresholds.

    Returns:
        Their verdicts by name; a rule that is off watches nothing.
    """
    off = Verdict(watched=frozenset())
    return {name: _RULES[name](facts, policy) if policy.enabled else off for name, policy in rules.by_name().items()}
