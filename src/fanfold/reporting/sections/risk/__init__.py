"""What a report says of risk: a module for each question."""
