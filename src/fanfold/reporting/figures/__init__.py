"""Figures as the plain values that Plotly draws."""
