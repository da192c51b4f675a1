"""What the strategy of a deployment decides, one event after the other."""
