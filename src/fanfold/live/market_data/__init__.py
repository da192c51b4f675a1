"""Market data: the one stream connection, and what the other components learn of it."""
