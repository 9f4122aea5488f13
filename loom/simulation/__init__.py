"""What would have become of the slots, had ticks come at other times: real ticks, and no work."""
