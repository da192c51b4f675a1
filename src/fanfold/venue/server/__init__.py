"""The venue's HTTP and WebSocket side."""
