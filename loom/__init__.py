"""Loom runs a team's background workers on schedule and proves that it did."""

__version__ = "0.1.0"
