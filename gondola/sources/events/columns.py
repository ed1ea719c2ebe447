"""What the columns of one file are to the contract: known, known by another name, new, or personal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa

from gondola.errors import DataContractError
from gondola.sources.events.contract import ALIASES, REQUIRED, Kind, model_of
from gondola.sources.events.pii import PiiPolicy

__all__ = ["Columns"]

_NESTED = (dict, list)
_MOST_NEW = 200
_MOST_NAMES = 5_000


class Columns:
    """Maps the names of one file to the contract's, and remembers what it met."""

    def __init__(self, kind: Kind, policy: PiiPolicy) -> None:
        self.kind = kind
        self.seen: set[str] = set()  # of the contract
        self.new: set[str] = set()  # unknown to the contract
        self.personal: dict[str, str] = {}  # name in the file -> category
        self._policy = policy
        self._contract = {name for name in model_of(kind).model_fields if not name.endswith("_hash")}
        self._targets: dict[str, str | None] = {}
        self._plans: dict[tuple[str, ...], list[tuple[str, list[str]]]] = {}

    @property
    def subject(self) -> str:
        """What its files are called."""
        return self.kind.value

    def target(self, name: str) -> str | None:
        """The contract's name of a column; None for one that is left out.

        Raises:
            DataContractError: The policy refuses files with such a column.
        """
        if name not in self._targets:
            if len(self._targets) >= _MOST_NAMES:  # values were used as keys
                return None
            self._targets[name] = self._find(name)
        return self._targets[name]

    def knows(self, name: str) -> bool:
        """Whether a name is one of the contract's, or personal; nothing is remembered."""
        plain = name.strip().lower()
        return ALIASES[self.kind].get(plain, plain) in self._contract or bool(self._policy.category(self.kind, name))

    def is_header(self, record: Mapping[str, object]) -> bool:
        """Whether a record is the header, repeated."""
        words = [(name, str(value).strip().lower()) for name, value in record.items()]
        return bool(words) and all(ALIASES[self.kind].get(word, word) == name for name, word in words)

    def targets(self, names: Iterable[str]) -> dict[str, list[str]]:
        """The names under which a file has each of the contract's columns, the contract's own name first."""
        found: dict[str, list[str]] = {}
        for name in names:
            if (target := self.target(name)) is not None:
                found.setdefault(target, []).append(name)
        for target, sources in found.items():
            sources.sort(key=lambda name: (name != target, name))
        return found

    def pick(self, record: Mapping[str, object]) -> dict[str, object]:
        """A record under the contract's names; of two names for the same, the first that has a value."""
        names = tuple(record)
        plan = self._plans.get(names)
        if plan is None:
            plan = list(self.targets(names).items())
            if len(self._plans) < _MOST_NAMES:
                self._plans[names] = plan
        for name, value in record.items():
            if value.__class__ in _NESTED:
                self.look_into(name, value)
        picked: dict[str, object] = {}
        for target, sources in plan:
            value = record[sources[0]]
            for name in sources[1:]:
                if value is None or value == "":
                    value = record[name]
            picked[target] = value
        return picked

    def look_into(self, name: str, value: object) -> None:
        """Remember personal data that lies within a nested column, by the names of its parts.

        Args:
            name: The column.
            value: One of its values, or its Arrow type.

        Raises:
            DataContractError: The policy refuses files with such data.
        """
        for part in _names_within(value):
            if (category := self._policy.category(self.kind, part)) is not None:
                self._meet(f"{name}.{part}", category)

    def require(self, names: Iterable[str], *, where: str) -> None:
        """Refuse a file that lacks a column without which no row can be good.

        Args:
            names: The file's columns.
            where: What the file calls them, such as `header`.

        Raises:
            DataContractError: One is missing.
        """
        have = list(names)
        found = self.targets(have)
        missing = [name for name in REQUIRED[self.kind] if name not in found]
        if missing:
            shown = ", ".join(have[:20]) or "nothing"
            message = (
                f"the {where} has no column {' or '.join(missing)} (it has: {shown}); "
                f"{self.kind.value} files need {', '.join(REQUIRED[self.kind])}"
            )
            raise DataContractError(message)

    def _find(self, name: str) -> str | None:
        plain = name.strip().lower()
        target = ALIASES[self.kind].get(plain, plain)
        if target in self._contract:
            self.seen.add(target)
            return target
        category = self._policy.category(self.kind, name)
        if category is None:
            if len(self.new) < _MOST_NEW:
                self.new.add(name)
            return None
        self._meet(name, category)
        return f"{category}_hash" if self._policy.hashes(self.kind, category) else None

    def _meet(self, name: str, category: str) -> None:
        if len(self.personal) < _MOST_NEW:
            self.personal[name] = category
        if self._policy.actions[category] == "reject":
            message = f"column {name} holds personal data ({category}), which the policy refuses; send it without"
            raise DataContractError(message)


def _names_within(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _names_within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names_within(inner)
    elif isinstance(value, pa.DataType):
        for index in range(value.num_fields):
            yield value.field(index).name
            yield from _names_within(value.field(index).type)
