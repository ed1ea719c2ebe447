"""A web shop, offline: its event files, catalogue and profiles, and truths planted in them."""

from gondola.sandbox.events.files import FORMATS
from gondola.sandbox.events.rows import BROKEN_WAYS, CAMPAIGNS, Rates
from gondola.sandbox.events.world import EventWorld, Made, write_truth

__all__ = ["BROKEN_WAYS", "CAMPAIGNS", "FORMATS", "EventWorld", "Made", "Rates", "write_truth"]
