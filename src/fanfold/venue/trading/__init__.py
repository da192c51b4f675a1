"""Orders, accounts and money at the venue: decided here, acted on elsewhere."""
