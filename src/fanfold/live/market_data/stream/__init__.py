"""The connection to the broker's stream."""
