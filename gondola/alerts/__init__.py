"""Alerts: what is wrong, said once, to whoever can act on it, and said again when it is over."""
