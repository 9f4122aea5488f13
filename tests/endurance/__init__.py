"""The long modes: what takes too long for every change, and is run before a release."""
