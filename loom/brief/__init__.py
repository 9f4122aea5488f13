"""The morning briefing: what ran since the last one, what needs whom, what was found, what comes.

Reads the ledger and the registry, never writes them. Up to where a person has read is kept in a small file of
that person's machine.
"""
