"""What is asked of the broker over HTTP: its clock, and what the stream did not tell."""
