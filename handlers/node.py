"""This node: its engine, its hub, and the connections that are here."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, Protocol

from aiohttp import web

from chat import closes
from chat.claims import Claims
from chat.engine import Engine, Storage
from chat.errors import Revoked
from chat.frames import Goaway, Notice, User, Welcome, encode
from chat.hub import Hub
from chat.limits import Limits
from chat.presence import Disconnect, Order
from chat.revocations import Revocation, Revocations
from chat.session import Session
from handlers.gate import Gate, redacted
from handlers.options import EdgeOptions
from handlers.outbox import Outbox, Tick
from handlers.peer import Peer, wall_ms
from handlers.rounds import Rounds
from handlers.statistics import EdgeStatistics
from handlers.tracing import Tracing
from handlers.vitals import Vitals

# A token that was issued in the second of the revocation is revoked too, and clocks differ.
_SUCCESSOR_MS: Final = 2_000
_ORDERS: Final = {close.name: close for close in closes.CLOSES}


class Tokens(Protocol):
    """Turns a token into claims."""

    async def verify(self, token: str) -> Claims:
        """Return the claims, or raise `token_invalid` or `token_expired`."""
        ...


class Node:
    """What all connections of this process share."""

    def __init__(self, hub: Hub, tick: Tick, tokens: Tokens, options: EdgeOptions) -> None:
        self.engine: Engine
        self.hub = hub
        self.tick = tick
        self.tokens = tokens
        self.options = options
        self.limits: Limits = options.limits  # what a client may do
        self.statistics = EdgeStatistics()
        self.gate = Gate(options, self.statistics.attempts, self.statistics.rejections)
        self.tracing: Tracing | None = None
        self.mint: Callable[[str], str] | None = None  # in development: a token for whoever asks
        self.own_origins: frozenset[str] = frozenset()  # in development: of the real port
        self.peers: dict[str, Peer] = {}
        self.appending = 0  # publishes by REST whose answer is still to come
        self.rounds = Rounds()
        self.revocations = Revocations()
        self._users: dict[str, dict[str, Peer]] = {}
        self._partings: set[asyncio.Task[None]] = set()
        self._storage: Storage | None = None
        self.now = time.monotonic
        self._turned = self.now()
        self.vitals = Vitals()
        hub.on_storage = self._storage_changed
        hub.on_order = self._carry_out

    def open(self, engine: Engine) -> None:
        """Take the engine; until now its storage may have been away without a word of it."""
        self.engine = engine
        engine.counted = self.counted
        self._storage_changed(engine.storage)

    def admits_origin(self, origin: str) -> bool:
        """Tell whether a page of this origin may connect."""
        return origin in self.options.origins or origin in self.own_origins

    def counted(self) -> dict[str, int]:
        """Return how many messages were acknowledged and delivered here since the start."""
        return {"published": self.statistics.acks.count, "delivered": self.hub.tally.deliveries}

    @property
    def degraded(self) -> bool:
        """Whether publishes are held because the storage can't commit them now."""
        return self._storage is not None and not self._storage.up

    @property
    def degraded_s(self) -> float:
        """For how many seconds, by the monotonic clock, the storage has not been up; 0.0: it is."""
        return 0.0 if self.engine.storage.up else self.now() - self._turned

    @property
    def mute(self) -> bool:
        """Whether messages do not come round, although the storage is up."""
        return self.vitals.mute(self.now(), self._turned)

    async def verify(self, token: str) -> Claims:
        """Return the claims, or raise as `Tokens` does; `Revoked` for a token taken back."""
        claims = await self.tokens.verify(token)
        if self.revocations.covers(claims, time.time()):
            raise Revoked
        return claims

    def greet(self, conn: str, address: str, transport: asyncio.Transport) -> Peer:
        """Take a new connection in, not signed in yet."""
        options = self.options
        session = Session(options.limits, options.pace, options.timing, self.now())
        peer = Peer(conn, address, session, Outbox(transport, self.tick))
        peer.alive = peer.pinged = self.now()
        self.peers[conn] = peer
        self.rounds.add(peer, peer.alive)
        return peer

    def welcome(self, peer: Peer, claims: Claims, frame_id: str | float | None) -> Welcome:
        """Register a connection that has signed in; the user's oldest gives way to one too many."""
        if peer.entry is not None:
            peer.entry.signed_in()
        mine = self._users.setdefault(claims.sub, {})
        mine[peer.conn] = peer
        if len(mine) > self.options.connections_per_user:
            next(iter(mine.values())).outbox.close(closes.REPLACED)
            del mine[next(iter(mine))]
        self.register(peer)
        return Welcome(
            id=frame_id,
            conn=peer.conn,
            user=User(claims.sub, claims.name),
            exp=claims.exp,
            ts=wall_ms(),
            ping_s=int(self.options.ping_s),
            idle_s=int(self.options.timing.idle_s),
            limits=self.limits,
            degraded=self.degraded,
        )

    def register(self, peer: Peer) -> None:
        """Tell the other nodes of a connection, or what is new of it."""
        self.engine.connections.register(peer.describe(self.engine.node, redacted(peer.address)))

    def part(self, peer: Peer) -> None:
        """A connection is gone."""
        self.peers.pop(peer.conn, None)
        if peer.entry is not None:
            peer.entry.leave()
        if peer.outbox.closed is not None:
            self.statistics.evictions[peer.outbox.closed.name or "by_client"] += 1
        mine = self._users.get(peer.user, {})
        mine.pop(peer.conn, None)
        if not mine:
            self._users.pop(peer.user, None)
        self.engine.connections.drop(peer.conn)

    def see_off(self, parting: Coroutine[Any, Any, None]) -> None:
        """Let a connection that is gone leave what it was in."""
        task = asyncio.get_running_loop().create_task(parting)
        self._partings.add(task)
        task.add_done_callback(self._partings.discard)

    async def end(self) -> None:
        """Cut off who is still here, and return when all have left."""
        for peer in list(self.peers.values()):
            peer.outbox.abort()
        while self.peers or self._partings:
            await asyncio.sleep(0)  # connections are lost in the loop's next turn
            await asyncio.gather(*self._partings)

    def admits(self, address: str) -> Callable[[], None] | None:
        """Let an address open one more connection now, and return what counts it out; or None."""
        return self.gate.knock(address, self.now())

    def announce_drain(self, reason: str) -> None:
        """Let nobody in any more, and ask everyone to go, each at a moment of its own."""
        self.gate.draining = True
        deadline_ms = int(self.options.drain_s * 1000)
        for peer in self.peers.values():
            retry_ms = random.randrange(max(1, deadline_ms * 4 // 5))
            peer.send(Goaway(reason=reason, retry_ms=retry_ms, deadline_ms=deadline_ms))

    def dismiss(self) -> None:
        """Close who is still here; each comes back at a moment of its own."""
        for peer in list(self.peers.values()):
            peer.outbox.close(closes.RESTART, retry_ms=random.randrange(100, 2_000))

    def _storage_changed(self, storage: Storage) -> None:
        before, self._storage = self.degraded, storage
        if self.tracing is not None:
            self.tracing.storage_changed(storage)
        if before != self.degraded:
            self._turned = self.now()
            notice = encode(Notice(code="degraded" if self.degraded else "recovered"))
            for peer in self.peers.values():
                if peer.session.claims is not None:
                    peer.outbox.send(notice)

    def _carry_out(self, order: Order) -> None:
        if isinstance(order, Revocation):
            self._revoke(order)
            return
        close = _ORDERS.get(order.close, closes.KICKED)
        for peer in list(self._meant(order)):
            peer.outbox.close(close)

    def _revoke(self, revocation: Revocation) -> None:
        now = time.time()
        if not self.revocations.add(revocation, now):
            return
        mine = self.peers if revocation.user is None else self._users.get(revocation.user, {})
        for peer in list(mine.values()):
            claims = peer.session.claims
            if claims is not None and self.revocations.covers(claims, now):
                peer.outbox.close(closes.TOKEN_REVOKED, retry_ms=_SUCCESSOR_MS)

    def _meant(self, order: Disconnect) -> Iterable[Peer]:
        if order.conn is not None:
            return (peer for peer in (self.peers.get(order.conn),) if peer is not None)
        return self._users.get(order.user or "", {}).values()


NODE: Final = web.AppKey("NODE", Node)
