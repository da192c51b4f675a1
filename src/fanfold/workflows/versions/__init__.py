"""Versions of strategies: what one is, its evidence, and the log of who let which go live."""
