"""enforcement/ -> EnforcementContext, and the guard that holds a run to it.

reading: the files, understood and held to their bytes. judges: what the rules of each kind say of an act.
guarding: who acts, and the way to stop it. asking: what a person wants to know of the rules. masking:
secrets, in whatever form.
"""
