"""HTML: escaped elements, the figures among them, and the file around them."""
