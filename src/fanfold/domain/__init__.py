"""The nouns, and the one way to compile."""
