"""Prices that could have been: path models, and the risk of their paths."""
