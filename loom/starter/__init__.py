"""The starter project that `loom init` writes: the files beside this one, as they are."""
