"""The demo as it is played, its end, and its picture."""
