"""The market's past, as far as the venue's clock has come."""
