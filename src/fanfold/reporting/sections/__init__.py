"""The parts of a page, each from plain values to markup."""
