"""The sample company: the project that `loom init --sample` writes, and stand-ins for the web services that
its workers ask, so that all of them run with no account anywhere."""
