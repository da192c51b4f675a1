"""The life of an order: what may follow what, legs, cancellations and replacements."""
