"""The durable record of ticks, slots, runs and alerts: on SQLite, in memory, on a git branch; and who is
still at work."""
