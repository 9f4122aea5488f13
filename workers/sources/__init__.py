"""Read-only clients that workers share. They read and say what is there; a worker judges it."""
