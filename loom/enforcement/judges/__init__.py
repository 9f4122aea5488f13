"""What the rules of each kind say of an act, a value or a name: one judge for each kind."""
