"""Every error a caller can act on.

Two marker classes say what a retry loop needs to know: a `Transient` error may pass by itself, a
`Terminal` one will not. Every concrete error mixes one of them in, so a retry asks one question.
"""

from __future__ import annotations

__all__ = [
    "CircuitOpenError",
    "ConfigurationError",
    "DataContractError",
    "DeliveryError",
    "GondolaError",
    "HostCoolingError",
    "LakeConflictError",
    "LakeKeyError",
    "LakeUnavailableError",
    "QualityGateError",
    "RecoveryError",
    "RegionNotServedError",
    "RobotsDisallowedError",
    "SourceResponseError",
    "SourceUnavailableError",
    "Terminal",
    "TransformError",
    "Transient",
    "UnknownNameError",
    "WarehouseDamagedError",
    "WarehouseUnavailableError",
    "is_transient",
]


class Transient(Exception):  # noqa: N818 - a marker, mixed into errors
    """Marks an error that may pass by itself: trying again later is sensible."""


class Terminal(Exception):  # noqa: N818
    """Marks an error that repeats until somebody changes something."""


class GondolaError(Exception):
    """Base of all errors of this project. The message says what was wrong, where, and what to do."""


class ConfigurationError(GondolaError, Terminal):
    """A setting, a stores file or a command argument can't be used as given."""


class UnknownNameError(ConfigurationError):
    """A name (store, region, system, table) that does not exist; the message lists those that do."""


class LakeKeyError(GondolaError, Terminal):
    """No object has this key, or the key leaves the lake."""


class LakeConflictError(GondolaError, Terminal):
    """An object of this key exists already and was to be created."""


class LakeUnavailableError(GondolaError, Transient):
    """The storage behind the lake did not answer, or refused for now."""


class DataContractError(GondolaError, Terminal):
    """Data does not have the shape its contract promises."""


class DeliveryError(GondolaError, Transient):
    """A channel did not take a message; the message never holds the channel's address."""


class SourceUnavailableError(GondolaError, Transient):
    """A source timed out, reset the connection, or answered 429 or 5xx more often than is retried."""


class SourceResponseError(GondolaError, Terminal):
    """A source answered with something that repeats: 4xx, or a body of the wrong shape."""


class HostCoolingError(SourceUnavailableError):
    """A host asked to be left alone for longer than a run is willing to wait."""


class CircuitOpenError(SourceUnavailableError):
    """Too many slices of one store failed in a row, so the rest was not asked for."""


class RobotsDisallowedError(GondolaError, Terminal):
    """robots.txt of the host forbids this path to our user agent."""


class RegionNotServedError(GondolaError, Terminal):
    """The store has no seller for this postal code."""


class TransformError(GondolaError, Terminal):
    """dbt did not finish green; the message names the nodes that failed."""

    def __init__(self, message: str, failures: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures  # "node: reason"


class QualityGateError(GondolaError, Terminal):
    """A build is green, but what it holds is not believable; the message names the checks, subjects and numbers."""

    def __init__(self, message: str, failures: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures  # "check subject: reason"


class WarehouseDamagedError(GondolaError, Terminal):
    """The warehouse's file, or a backup of it, is no DuckDB database that this engine can read."""


class WarehouseUnavailableError(GondolaError, Transient):
    """The PostgreSQL of the target did not answer; the message never holds its password."""


class RecoveryError(GondolaError, Terminal):
    """A crashed flow run can't be taken up again, or was too often."""


def is_transient(error: BaseException) -> bool:
    """Whether trying again later is sensible.

    Args:
        error: Any exception. Time-outs and connection errors of the standard library count as transient.
    """
    return isinstance(error, Transient | TimeoutError | ConnectionError)
