"""What a person asks of the rules: which one decides, what they were, and what changed in them."""
