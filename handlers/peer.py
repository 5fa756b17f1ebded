"""One connection as the rest of the edge knows it: who is there, and how to reach them."""

import time
from typing import Final
from zlib import crc32

from chat.errors import Refusal
from chat.frames import Frame, encode
from chat.presence import ConnectionInfo
from chat.session import Session
from handlers.gate import Entry
from handlers.outbox import Outbox

SPREAD_MS: Final = 1_000  # over which those come back whom one outage has refused


def wall_ms() -> int:
    """Return the wall clock's epoch milliseconds, as frames carry them."""
    return time.time_ns() // 1_000_000


class Peer:
    """The other end of one WebSocket; `address` is the client's own, behind trusted proxies."""

    __slots__ = (
        "address",
        "alive",
        "client",
        "closing_at",
        "conn",
        "due",
        "entry",
        "outbox",
        "pinged",
        "session",
        "since",
    )

    def __init__(self, conn: str, address: str, session: Session, outbox: Outbox) -> None:
        self.conn = conn
        self.address = address
        self.session = session
        self.outbox = outbox
        self.client: str | None = None
        self.entry: Entry | None = None  # at the gate, which is told when they have signed in
        self.since = wall_ms()
        self.alive = 0.0  # when the last byte of theirs came, monotonic seconds
        self.pinged = 0.0
        self.due = 0.0  # before it, it need neither be pinged nor cut
        self.closing_at: float | None = None

    def retry_ms(self, refusal: Refusal) -> int | None:
        """Return when to repeat what was refused: each connection has its own share of the spread.

        It is the same for all that one connection sent, which so comes back in its order.
        """
        if refusal.retry_ms is None or refusal.code == "rate_limited":
            return refusal.retry_ms
        return refusal.retry_ms + crc32(self.conn.encode()) % SPREAD_MS

    def send(self, frame: Frame) -> None:
        """Send a frame, in this turn's one write."""
        self.outbox.send(encode(frame))

    @property
    def user(self) -> str:
        """Who is signed in; empty before that."""
        claims = self.session.claims
        return "" if claims is None else claims.sub

    def describe(self, node: str, network: str) -> ConnectionInfo:
        """Return what an administrator may see of it."""
        return ConnectionInfo(
            conn=self.conn,
            user=self.user,
            node=node,
            address=network,
            since=self.since,
            rooms=sorted(self.session.rooms),
            client=self.client,
        )
