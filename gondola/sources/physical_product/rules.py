"""The contract as SQL: from columns of text to typed values, and the first thing that is wrong with each row."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from gondola.sources.physical_product.contract import MOMENT, Column, Domain

__all__ = ["Screen", "screen"]

_ZONE = "America/Sao_Paulo"
_EARLIEST = "timestamptz '2000-01-01 00:00:00+00'"
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = rf"{_DAY}[T ]\d{{2}}:\d{{2}}:\d{{2}}(\.\d{{1,6}})?(Z|[+-]\d{{2}}(:\d{{2}})?)?"
_NO = {
    "bigint": "is no whole number",
    "boolean": "is neither true nor false",
    "date": "is no day such as 2026-02-05",
    MOMENT: "is no moment such as 2026-02-05T14:32:00Z",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """A query over the text columns of a relation `chunk`, and what its column `fault` means."""

    sql: str
    faults: tuple[tuple[str, str], ...]  # field and reason, by the number in `fault`


def screen(domain: Domain, present: Collection[str], latest: str) -> Screen:
    """Write the query that types and judges rows.

    Args:
        domain: Whose rows.
        present: The contract's columns that the chunk has.
        latest: SQL of the latest moment that is not in the future.

    Returns:
        A query whose rows have `source_row`, the landed columns, `fault` (null for a good row) and `fault_value`.
    """
    texts = ", ".join(f"{_text_of(column, present)} as t_{column.name}" for column in domain.columns)
    typed = ", ".join(f"{_typed(column)} as {column.name}" for column in domain.columns)
    faults: list[tuple[str, str]] = []
    cases, values = [], []
    for column in domain.columns:
        for condition, reason in _conditions(column):
            cases.append(f"when {condition} then {len(faults)}")
            values.append(_shown(column, len(faults)))
            faults.append((column.name, reason))
    for rule in domain.rules:
        cases.append(f"when not coalesce({rule.condition}, true) then {len(faults)}")
        values.append(f"when {len(faults)} then t_{rule.field}")
        faults.append((rule.field, rule.reason))
    defaults = {column.name: column.default for column in domain.columns if column.default}
    landed = [
        f"coalesce({name}, {defaults[name]}) as {name}" if name in defaults else name
        for name in domain.landed
        if name not in dict(domain.days)
    ]
    landed += [f"cast({moment} at time zone '{_ZONE}' as date) as {name}" for name, moment in domain.days]
    sql = f"""
        with texts as (select source_row, {texts} from chunk),
        typed as (select *, {typed} from texts),
        judged as (select *, case {" ".join(cases)} end as fault from typed)
        select source_row, {", ".join(landed)}, fault,
            replace(case fault {" ".join(values)} end, chr(0), '') as fault_value
        from judged
    """
    return Screen(sql.replace("$earliest", _EARLIEST).replace("$latest", latest), tuple(faults))


def _text_of(column: Column, present: Collection[str]) -> str:
    return f"nullif(trim({column.name}, ' \t\r\n'), '')" if column.name in present else "cast(null as varchar)"


def _typed(column: Column) -> str:
    text = f"t_{column.name}"
    if column.words:
        return f"lower({text})"
    if column.type == "boolean":
        yes, no = f"lower({text}) in ('true', '1', 'yes')", f"lower({text}) in ('false', '0', 'no')"
        return f"case when {yes} then true when {no} then false end"
    if column.type == "varchar":
        return text
    if match := _DECIMAL.fullmatch(column.type):
        whole, places = int(match[1]) - int(match[2]), int(match[2])
        pattern = rf"[+-]?\d{{1,{whole}}}(\.\d{{1,{places}}}0*)?"
    else:
        pattern = {"bigint": r"[+-]?\d{1,18}", "date": _DAY, MOMENT: _TIME}[column.type]
    return f"case when regexp_full_match({text}, '{pattern}') then try_cast({text} as {column.type}) end"


def _conditions(column: Column) -> list[tuple[str, str]]:
    """What can be wrong with a value, the first thing first."""
    name, text = column.name, f"t_{column.name}"
    found = [(f"contains({text}, chr(0))", "is not UTF-8, or holds a NUL character")]
    if column.required:
        found.append((f"{text} is null", "is missing"))
    if column.words:
        listed = ", ".join(f"'{word}'" for word in column.words)
        found.append((f"{name} not in ({listed})", f"is none of {', '.join(column.words)}"))
    elif column.type != "varchar":
        found.append((f"{text} is not null and {name} is null", _reason(column)))
    if column.rule:
        condition, reason = column.rule
        found.append((f"{name} is not null and not coalesce({condition.format(v=name)}, false)", reason))
    return found


def _reason(column: Column) -> str:
    if match := _DECIMAL.fullmatch(column.type):
        return f"is no number with {match[2]} decimals at most"
    return _NO[column.type]


def _shown(column: Column, number: int) -> str:
    # What is kept nowhere is not kept in quarantine either.
    return f"when {number} then " + (f"t_{column.name}" if column.lands else "'[withheld]'")
