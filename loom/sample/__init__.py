"""A company that doesn't exist, for trying Loom: its files, and stand-ins for the services it uses."""
