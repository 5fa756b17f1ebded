"""The names of everything in Redis; a room's keys share its slot by the braces.

A room's idempotency keys are named by append.lua alone.
"""

from typing import Final

PREFIX: Final = "hf:"
BARRIER: Final = "hf:barrier"  # written to have something to WAIT for
BREAK: Final = "hf:break"  # the number of the last break in the history of all rooms
NODES: Final = "hf:nodes"  # sorted set: node -> when its lease ends, ms of Redis' clock
REPORTS: Final = "hf:reports"  # hash: node -> what it counts of itself, as JSON
CONTROL: Final = "hf:control"  # stream and channel: orders for all nodes
REVOKED: Final = "hf:revoked"  # stream: which tokens are taken no more


def log(room: str) -> str:
    """Return the stream of a room's events, with ids `1-<seq>`."""
    return f"hf:{{{room}}}:log"


def meta(room: str) -> str:
    """Return the hash of a room's epoch, head, clock, mark and generation of keys."""
    return f"hf:{{{room}}}:meta"


def rate(user: str) -> str:
    """Return the string of a user's last publishes, over all rooms."""
    return f"hf:rate:{{{user}}}"


def members(room: str) -> str:
    """Return the hash of who is in a room: `<user>/<node>` -> name."""
    return f"hf:{{{room}}}:members"


def channel(room: str) -> bytes:
    """Return the channel of what happens in a room."""
    return b"hf:{%b}" % room.encode()


def node_rooms(node: str) -> str:
    """Return the hash of the rooms in which a node has members."""
    return f"hf:node:{{{node}}}:rooms"


def node_connections(node: str) -> str:
    """Return the hash of a node's connections."""
    return f"hf:conn:{{{node}}}"


def session(conn: str) -> str:
    """Return what is remembered of a connection that ended."""
    return f"hf:session:{{{conn}}}"
