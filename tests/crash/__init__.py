"""Ticks that die, disks that fill, remotes that hang up: a real `loom run` with mines laid in its way, and a
judge who holds the ledger against what the workers themselves wrote down."""
