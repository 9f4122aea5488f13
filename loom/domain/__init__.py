"""The nouns: definitions, occasions and results. Frozen values that know nothing of files or networks."""
