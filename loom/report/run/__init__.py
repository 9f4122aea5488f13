"""One run, for a person."""

from loom.report.run.shown import Shown, show_run

__all__ = ["Shown", "show_run"]
