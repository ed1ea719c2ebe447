"""The columns of one file, against those of its domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gondola.errors import DataContractError
from gondola.sources.physical_product.contract import Domain

__all__ = ["Header"]


class Header:
    """Finds a domain's columns by name, whatever their case and order; the shape `read_csv` asks for."""

    def __init__(self, domain: Domain) -> None:
        self.seen: set[str] = set()
        self.new: set[str] = set()  # of the file, and not of the contract
        self._domain = domain
        self._known = {column.name for column in domain.columns}

    @property
    def subject(self) -> str:
        """What the files are called."""
        return self._domain.name

    def knows(self, name: str) -> bool:
        """Whether it is one of the contract's."""
        return name.strip().lower() in self._known

    def target(self, name: str) -> str | None:
        """The contract's name of a column; None for one it has not."""
        plain = name.strip().lower()
        if plain in self._known:
            self.seen.add(plain)
            return plain
        self.new.add(name.strip())
        return None

    def targets(self, names: Iterable[str]) -> dict[str, list[str]]:
        """The contract's names, each with the file's."""
        return {target: [name] for name in names if (target := self.target(name)) is not None}

    def pick(self, record: Mapping[str, object]) -> dict[str, object]:
        """A record under the contract's names."""
        return {target: record[names[0]] for target, names in self.targets(record).items()}

    def require(self, names: Iterable[str], *, where: str) -> None:
        """Refuse a file that lacks a needed column, or has one twice.

        Raises:
            DataContractError: The message names it.
        """
        have = [name.strip().lower() for name in names]
        missing = [name for name in self._domain.needed if name not in have]
        if missing:
            message = (
                f"the {where} has no column {', '.join(missing)} (it has: {', '.join(have[:20])}); "
                f"{self._domain.name} files need {', '.join(self._domain.needed)}"
            )
            raise DataContractError(message)
        if twice := next((name for name in have if name in self._known and have.count(name) > 1), None):
            message = f"the {where} has the column {twice} twice; which one counts can't be known"
            raise DataContractError(message)

    def look_into(self, name: str, value: object) -> None:
        """Nothing: CSV files have no nested columns."""
