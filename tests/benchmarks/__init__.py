"""How fast a tick is, as ratios to something bare measured in the same run: `python -m tests.benchmarks`."""
