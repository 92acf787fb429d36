"""Ports of this computer for servers that tests and benches start."""

from __future__ import annotations

import http.client
import random
import socket

HOST = "127.0.0.1"
_TRIES = 100


def free_port(among: range | None = None) -> int:
    """A port that nobody listens on just now, of these or of the system's choice. Raises OSError."""
    if among is None:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
            return port
    for port in random.sample(among, k=_TRIES):
        if is_free(port):
            return port
    raise OSError(f"no free port was found between {among.start} and {among.stop}")


def is_free(port: int) -> bool:
    """Whether a server could listen there; lines that one of before has just closed do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def says_ready(port: int, *, seconds: float = 5) -> bool:
    """Whether a shop listens there and can sell."""
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
