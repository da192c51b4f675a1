"""The market behind the venue: one clock, and what is replayed under it."""
