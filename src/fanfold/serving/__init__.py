"""A deployment over HTTP: what it is doing, what it can be told, and who may do so."""
