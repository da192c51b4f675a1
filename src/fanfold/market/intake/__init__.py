"""Rows on their way in: one form, examined, set aside or stored."""
