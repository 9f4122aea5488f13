"""What Loom is given by others, damaged in every way that we can think of.

Each module is one target: a class whose `attempt` makes one case from a `random.Random`, puts it through
the product and raises `Wrong` if a promise didn't hold. The same random state makes the same case.
"""
