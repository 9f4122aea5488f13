"""The patterns that ship with Loom, and that an output rule asks for by name."""
