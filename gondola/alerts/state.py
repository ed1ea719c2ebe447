"""The open alerts on the lake, and the turn of the one check that may change them.

The state is a small JSON object, written anew under the next number: `metadata/alerts/state/00000042.json`. Of several
writers of one number the lake lets one succeed, so a state is never lost to another, on any kind of storage. A check
takes its turn by writing a state that says so, and gives it back with its last one; a killed check's turn runs out.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from gondola.alerts.episodes import Alert
from gondola.errors import DataContractError, LakeConflictError, LakeKeyError
from storage.lake import Lake

__all__ = ["STATE_FOLDER", "TURN", "State", "StateFile", "read_state"]

STATE_FOLDER = "metadata/alerts/state"
TURN = timedelta(minutes=5)  # longer than a check takes, shorter than the time between two
_KEPT = 20
_ATTEMPTS = 5


class State(BaseModel):
    """What is known between checks."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = 1
    checked_at: AwareDatetime | None = None  # the end of the last check
    turn_until: AwareDatetime | None = None  # a check is under way until then
    known_since: dict[str, AwareDatetime] = {}  # when each store-region was first seen
    failing: dict[str, str] = {}  # channels that did not take their last message, with the reason
    alerts: tuple[Alert, ...] = ()


class StateFile:
    """The state during a check's turn."""

    def __init__(self, lake: Lake, number: int, state: State) -> None:
        """Use `take_turn`."""
        self._lake = lake
        self.number = number
        self.state = state

    @classmethod
    def take_turn(cls, lake: Lake, now: datetime) -> Self | None:
        """Become the one check that may change the state.

        Args:
            lake: Where it is.
            now: The present.

        Returns:
            The state, or None while another check has its turn.
        """
        number, state = _read(lake)
        if state.turn_until is not None and state.turn_until > now:
            return None
        file = cls(lake, number, state)
        return file if file.put(state.model_copy(update={"turn_until": now + TURN})) else None

    def put(self, state: State) -> bool:
        """Write the state anew.

        Returns:
            Whether it was written; if not, another check has taken over, and this one must stop.
        """
        number = self.number + 1
        with suppress(LakeConflictError):
            self._lake.put(_key(number), state.model_dump_json(indent=1).encode(), new=True)
            # A check that slept for hours may find its number free again, as old states are removed.
            if max(_numbers(self._lake)) == number:
                self.number, self.state = number, state
                self._lake.delete(_key(number - _KEPT))
                return True
            self._lake.delete(_key(number))
        return False


def read_state(lake: Lake) -> State:
    """The state as the last check left it; an empty one before the first.

    Raises:
        DataContractError: What lies there is no state of ours.
    """
    return _read(lake)[1]


def _read(lake: Lake) -> tuple[int, State]:
    for _ in range(_ATTEMPTS):
        number = max(_numbers(lake), default=0)
        if number == 0:
            return 0, State()
        try:
            return number, State.model_validate_json(lake.get(_key(number)))
        except LakeKeyError:
            continue  # removed since it was listed, so there is a newer one
        except ValidationError as error:
            message = f"{lake.uri}: {_key(number)} is no state of alerts ({error.error_count()} errors); delete it"
            raise DataContractError(message) from None
    message = f"{lake.uri}: {STATE_FOLDER} changes faster than it can be read"
    raise LakeConflictError(message)


def _numbers(lake: Lake) -> list[int]:
    names = (entry.key.rpartition("/")[2].removesuffix(".json") for entry in lake.find(STATE_FOLDER, ".json"))
    return [int(name) for name in names if name.isdigit()]


def _key(number: int) -> str:
    return f"{STATE_FOLDER}/{number:08}.json"
