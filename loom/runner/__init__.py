"""The join: one tick, in order. `tick` knows the order; the other modules are its pages."""
