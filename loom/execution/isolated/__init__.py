"""A run in a process of its own: Loom, a supervisor that runs none of the worker's code, and the worker."""
