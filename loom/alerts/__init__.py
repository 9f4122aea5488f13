"""What a person must hear, and how it reaches them.

policy decides (pure), outbox carries, and each hook has a file of its own. Nothing is imported here: an
idle tick needs the policy but no hook.
"""
