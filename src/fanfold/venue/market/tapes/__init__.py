"""Tapes: what happens in a market, made window by window from bars or stored ticks."""
