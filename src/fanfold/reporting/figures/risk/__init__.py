"""What a report draws of risk."""
