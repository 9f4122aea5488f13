"""The workers: one file each. A worker imports `loom.worker`, `workers.sources` and nothing else of Loom."""
