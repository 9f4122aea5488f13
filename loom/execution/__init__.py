"""Worker x Slot -> what happened. Nothing in here ever raises because of a worker: trouble is a value."""
