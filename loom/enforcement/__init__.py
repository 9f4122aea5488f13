"""enforcement/ -> EnforcementContext, and the guard that makes it bite."""
