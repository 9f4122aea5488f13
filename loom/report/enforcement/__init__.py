"""Rules and what they say of an act, in words and in JSON."""
