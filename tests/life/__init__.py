"""The life of a whole project, step by step, held against a model of what must have become of each slot.

`machine` draws the steps of a `lifetime`, and `world` takes them; `waking` is one tick of the real runner in
it. `model` keeps what the ledger must know by now, `decisions` and `laws` hold the two against each other,
`story` tells a failure. Nothing here asks `loom.slots`: `calendar` reads schedules by itself.
"""
