"""How workers stand: all of them, one of them, and what needs a person."""
