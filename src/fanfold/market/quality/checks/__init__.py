"""The checks, each a function of sound bars that gives findings."""
