"""The step: one bar of one run, compiled and plain."""
