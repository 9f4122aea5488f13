"""A week of the sample company, played by the real runner: what `loom demo` shows.

`week` says what happens when, `project` and `services` make the place, `playing` plays it, `reckoning` adds
up what the ledger has of it.
"""
