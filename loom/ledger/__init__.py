"""The durable record of ticks, slots, runs and alerts: on SQLite, in memory; and who is still at work."""
