"""The morning briefing, for a terminal, in Markdown and in JSON."""
