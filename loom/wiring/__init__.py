"""The only room that names concrete classes."""
