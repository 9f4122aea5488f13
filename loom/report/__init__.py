"""Renderings: a value in, text out. Nothing here reads a file or asks the time."""
