"""Benchmarks: whole processes side by side, results verified. Not part of the installed product."""
