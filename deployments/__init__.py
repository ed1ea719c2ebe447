"""Bringing the flows up on a Prefect server."""
