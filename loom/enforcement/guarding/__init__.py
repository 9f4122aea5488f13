"""The guard: who acts, what an act is, and the way to stop it; in the clients and beneath them."""
