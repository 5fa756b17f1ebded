"""Which process is calling: the kernel knows the owner of each socket (Linux only)."""

import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

Address = tuple[str, int]

# From the kernel's linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
_SOCK_DIAG: Final = 4
_BY_FAMILY: Final = 20
_REQUEST: Final = 1
_ANY_COOKIE: Final = 0xFFFFFFFF
_ALL_STATES: Final = 0xFFFFFFFF
_HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_QUESTION: Final = struct.Struct("=BBxxI")  # family, protocol, states
_SOCKET: Final = struct.Struct("=2s2s4s12x4s12xIII")  # ports, addresses, interface, cookie
_INODE_AT: Final = _HEADER.size + 4 + _SOCKET.size + 16  # the last of struct inet_diag_msg
_NUMBER: Final = struct.Struct("=I")
_ANSWER_SIZE: Final = 4096


def caller(local: Address, remote: Address, processes: Iterable[int]) -> int | None:
    """Return which of the processes holds the IPv4 socket connected from `local` to `remote`.

    None if it is another process. Raises ProcessLookupError if the socket is closed already.
    """
    link = f"socket:[{_inode(local, remote)}]"
    return next((pid for pid in processes if _holds(pid, link)), None)


def _inode(local: Address, remote: Address) -> int:
    ends = [_port(local), _port(remote), socket.inet_aton(local[0]), socket.inet_aton(remote[0])]
    question = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, _ALL_STATES)
    question += _SOCKET.pack(*ends, 0, _ANY_COOKIE, _ANY_COOKIE)
    length = _HEADER.size + len(question)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.sendto(_HEADER.pack(length, _BY_FAMILY, _REQUEST, 0, 0) + question, (0, 0))
        answer = kernel.recv(_ANSWER_SIZE)
    inode = (
        _NUMBER.unpack_from(answer, _INODE_AT)[0]
        if _HEADER.unpack_from(answer)[1] == _BY_FAMILY
        else 0
    )
    if not inode:  # an error message, or a connection that outlives its socket
        raise ProcessLookupError(f"nobody holds the connection from {local[0]}:{local[1]}")
    return inode


def _port(address: Address) -> bytes:
    return address[1].to_bytes(2, "big")


def _holds(pid: int, link: str) -> bool:
    try:
        return any(_target(entry) == link for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it ended just now
        return False


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:  # closed since it was listed
        return ""
