"""Gondola: what every shelf charges, kept, modelled and shown."""
