"""A reserved port is ours alone, and usable by the process that it is reserved for."""

import socket

import pytest

from deploy.local.ports import LOOPBACK, Port

MANY = 300


def test_a_reserved_port_can_be_listened_at_twice_in_a_row() -> None:
    """Whoever gets a reserved port can listen at it, end, and listen at it again."""
    with Port() as port:
        for _ in range(2):
            with socket.create_server((LOOPBACK, port.number)) as listener:
                socket.create_connection(listener.getsockname()).close()


def test_a_reserved_port_refuses_connections() -> None:
    """While nobody listens at a reserved port, a connection to it is refused."""
    with Port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port.number))


def test_a_reserved_port_is_given_to_nobody_else() -> None:
    """No other reservation, no free port, no source of a connection is a reserved one."""
    ours = [Port() for _ in range(MANY)]
    with socket.create_server((LOOPBACK, 0), backlog=MANY) as listener:
        others = [socket.create_server((LOOPBACK, 0)) for _ in range(MANY)]
        others += [socket.create_connection(listener.getsockname()) for _ in range(MANY)]
        numbers = {port.number for port in ours}
        assert len(numbers) == MANY
        assert numbers.isdisjoint(other.getsockname()[1] for other in others)
        for other in others:
            other.close()
    for port in ours:
        port.close()
