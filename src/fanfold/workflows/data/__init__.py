"""The data commands: ingest, check, list, show."""
