"""A local exchange that speaks the broker's protocol, for rehearsals and tests."""
