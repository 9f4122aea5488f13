"""Live logs: what runs say, for others to read until it is recorded."""
