"""Three retailers' sales APIs, each with its own way of everything, and what truly was sold."""

from gondola.sandbox.retailers.faults import RetailerFaults
from gondola.sandbox.retailers.sales import RetailWorld
from gondola.sandbox.retailers.server import RetailerSandbox, run_retailers

__all__ = ["RetailWorld", "RetailerFaults", "RetailerSandbox", "run_retailers"]
