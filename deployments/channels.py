"""Channels of alerts as blocks on the Prefect server, so that workers need not know their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gondola.alerts.policy import load_alerts
from gondola.settings import Settings
from tasks.channels import block_name, make_block

__all__ = ["DEAD_MAN_BLOCK", "SavedChannels", "save_channels"]

# Through this block the server itself says that nobody checks alerts any more: the first channel that is on.
DEAD_MAN_BLOCK = "gondola-alerts"


@dataclass(frozen=True, slots=True)
class SavedChannels:
    """What became of each channel."""

    saved: dict[str, str] = field(default_factory=dict)  # channel -> name of its block
    off: dict[str, str] = field(default_factory=dict)  # channel -> why it was not saved


def save_channels(settings: Settings, *, environment: Mapping[str, str] | None = None) -> SavedChannels:
    """Create or update a block for every channel of the alerts file whose variable is set; safe to repeat.

    A block that an earlier call saved stays when its variable is unset now.

    Args:
        settings: Name the alerts file.
        environment: Holds the variables; the process's own by default.

    Raises:
        ConfigurationError: The alerts file or an address can't be used.
    """
    result = SavedChannels()
    for channel in load_alerts(settings.alerts_file).channels:
        block = make_block(channel, environment)
        if block is None:
            result.off[channel.name] = f"{channel.variable} is not set"
        else:
            block.save(block_name(channel), overwrite=True, _sync=True)  # type: ignore[call-arg]
            if not result.saved:
                block.save(DEAD_MAN_BLOCK, overwrite=True, _sync=True)  # type: ignore[call-arg]
            result.saved[channel.name] = block_name(channel)
    return result
