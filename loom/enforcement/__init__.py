"""enforcement/ -> EnforcementContext, and the guard that holds a run to it.

folder: the files, as bytes. reading: what they say, held to those bytes. judges: what the rules of each kind
say of an act. guarding: who acts, and the way to stop it. asking: what a person wants to know of the rules.
masking: secrets, in whatever form.
"""
