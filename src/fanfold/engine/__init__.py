"""One run: the step, the loop and the ledger."""
