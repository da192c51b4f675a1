"""Bringing a deployment up, looking at it, stopping it."""
