"""Why did a worker run, or not? What a tick goes by and what the ledger has recorded, as sentences.

`reading` gathers the evidence, `standing` says how a worker stands now, `occasion` what became of one
instant. What a tick would do is asked of the tick's own plan; no rule of it is written down here again.
"""
