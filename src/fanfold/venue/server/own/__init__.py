"""The venue's own room: its status, its control, and the page on which people see it."""

from fanfold.venue.server.own.routes import routes

__all__ = ["routes"]
