"""Trading over HTTP: orders, positions, the account, and what is asked around them."""

from fanfold.venue.server.trading.routes import routes

__all__ = ["routes"]
