"""What is wrong with the sample company, listed by hand, and who finds it."""
