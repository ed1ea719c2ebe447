"""Personal data: which columns hold it, and what is done so that none reaches the tables, the quarantine or a log."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from pydantic import SecretStr

from gondola.errors import ConfigurationError
from gondola.sources.events.contract import ALIASES, Kind, Rejected
from gondola.yaml_files import Strict, load_yaml

__all__ = ["EMAIL_BYTES", "PiiPolicy", "has_email"]

_EMAIL = r"[A-Za-z0-9._+'-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}"
_EMAIL_TEXT = re.compile(_EMAIL)
EMAIL_BYTES = re.compile(_EMAIL.encode())
_MASKS = (
    (_EMAIL_TEXT, "[e-mail]"),
    (re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"), "[ip]"),
    (re.compile(r"(?<!\w)(?:\+\d{1,3}[ -]?)?\(?\d{2,3}\)?[ -]?9?\d{4}-\d{4}(?!\d)|\+\d{10,14}(?!\d)"), "[phone]"),
    (re.compile(r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d\d(?!\d)"), "[document]"),
)
_IDS = ("user_id", "session_id", "event_id", "order_id")
_HASHED = ("email", "phone")  # for which users have a column
_SHORTEST_KEY = 16
_WITHHELD = "[withheld: the row holds personal data]"


def has_email(text: str) -> bool:
    """Whether an e-mail address stands in a text."""
    return ("@" in text or "%40" in text) and _EMAIL_TEXT.search(text) is not None


class _Column(Strict):
    action: Literal["drop", "hash", "reject"]
    names: tuple[str, ...]


class _File(Strict):
    columns: Mapping[str, _Column]
    emails_in_ids: Literal["hash", "reject"]


@dataclass(frozen=True)
class PiiPolicy:
    """What a policy file says, with the key of its hashes."""

    columns: Mapping[str, str]  # bare column name -> category
    actions: Mapping[str, str]  # category -> action
    emails_in_ids: str
    _key: bytes | None = field(default=None, repr=False)

    @classmethod
    def load(cls, path: Path, key: SecretStr | None) -> Self:
        """Read a policy file.

        Args:
            path: The file, such as `deployments/pii.yaml`.
            key: The key of the hashes; None when nothing can be hashed.

        Raises:
            ConfigurationError: The file can't be read or used; the message names the field.
        """
        said = load_yaml(path, _File, what="policy for personal data", setting="GONDOLA_PII_POLICY")
        for category, column in said.columns.items():
            if column.action == "hash" and category not in _HASHED:
                message = f"{path}: columns.{category}.action: only {' and '.join(_HASHED)} can be kept as a hash"
                raise ConfigurationError(message)
        names = {_bare(name): category for category, column in said.columns.items() for name in column.names}
        actions = {category: column.action for category, column in said.columns.items()}
        secret = key.get_secret_value().encode() if key else b""
        if 0 < len(secret) < _SHORTEST_KEY:
            message = (
                f"GONDOLA_PII_KEY is shorter than {_SHORTEST_KEY} bytes, so hashes could be undone; use a random one"
            )
            raise ConfigurationError(message)
        return cls(names, actions, said.emails_in_ids, secret or None)

    def category(self, kind: Kind, column: str) -> str | None:
        """The kind of personal data in a column; None for other columns, such as a product's name."""
        return None if column.strip().lower() in ALIASES[kind] else self.columns.get(_bare(column))

    def hashes(self, kind: Kind, category: str) -> bool:
        """Whether a keyed hash of such a column is kept."""
        return kind is Kind.USERS and self.actions[category] == "hash" and self._key is not None

    def hash(self, value: str) -> str:
        """The keyed hash of a value, in lower case and without blanks at its ends: 64 hexadecimal digits."""
        assert self._key is not None  # noqa: S101 - asked before
        return hmac.new(self._key, value.strip().lower().encode(errors="surrogateescape"), hashlib.sha256).hexdigest()

    def clean(self, record: Mapping[str, object]) -> dict[str, object] | Rejected:
        """A record without e-mail addresses, or the refusal of one whose id is an address that can't be hashed."""
        result = dict(record)
        for name, value in record.items():
            if not isinstance(value, str) or not has_email(value):
                continue
            if name not in _IDS:
                result[name] = _EMAIL_TEXT.sub("[e-mail]", value)
            elif self.emails_in_ids == "hash" and self._key is not None:
                result[name] = self.hash(value)
            else:
                advice = (
                    "send another id" if self.emails_in_ids == "reject" else "set GONDOLA_PII_KEY to have it hashed"
                )
                return Rejected(None, name, f"{name} is an e-mail address; {advice}", "[e-mail]")
        return result

    def mask(self, kind: Kind, text: str) -> str:
        """A text as it may be shown: without what looks personal; nothing of it when it names a personal column."""
        keys = re.findall(r'"([^"\\]{1,60})"\s*:', text)
        if any(self.category(kind, key) for key in keys):
            return _WITHHELD
        for pattern, label in _MASKS:
            text = pattern.sub(label, text)
        return text


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
