"""Loopback ports that stay ours, also while the process that listens on them is dead."""

import socket
from typing import Final, Self

LOOPBACK: Final = "127.0.0.1"


class Port:
    """One TCP port on loopback, reserved until `close`.

    It is bound here and never listened on. By SO_REUSEADDR, which redis-server, asyncio and most
    others set too, one more socket may bind the same address as long as at most one listens; the
    kernel gives a bound port to nobody who asks for any port, nor takes it as the source of a
    connection. So it may be handed to a process, found again after that one's death, and is never
    met by a second cluster on the same machine.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((LOOPBACK, 0))
        self.number: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Give the port back; repeating it does nothing."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def free_port() -> int:
    """Return a port that was free a moment ago, for who can't be handed a `Port`."""
    with Port() as port:
        return port.number
