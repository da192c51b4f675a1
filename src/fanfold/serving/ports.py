"""Ports for pages."""

import socket

from fanfold.errors import LiveError


def free_port(host: str, wanted: int, before: int) -> int:
    """A port to listen on.

    Args:
        host: Where.
        wanted: The only one that will do; 0 for any.
        before: The one to take if it is free, since open pages look for it there; 0 for none.

    Raises:
        LiveError: The port that is wanted is taken, or none is free.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in (wanted,) if wanted else (before, 0):
        with socket.socket(family) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host.strip("[]"), port))
            except OSError:
                continue
            return int(tried.getsockname()[1])
    raise LiveError(f"live.page.port must be free at {host}, {wanted or 'every one'} is taken")


def address_of(host: str, port: int) -> str:
    """How a browser is told to go there."""
    host = host.strip("[]")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
