"""Stored rows of many symbols as bars, adjusted, under the names of their day."""
