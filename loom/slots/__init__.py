"""When slots come due (`calendar`), and what becomes of each (`life`)."""
