"""What goes out on the streams: who subscribed to what, and what each is sent."""
