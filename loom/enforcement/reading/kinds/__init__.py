"""The kinds of rules: how each is read from its file, and its JSON Schema."""
