"""enforcement/ -> EnforcementContext: the files of the folder, read, understood and held to their bytes."""
