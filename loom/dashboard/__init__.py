"""Everything that the page for everybody shows: read from the registry and the ledger, and made fit to be
published. Reads, never writes the ledger."""
