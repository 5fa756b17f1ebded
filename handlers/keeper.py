"""What time does to connections: a sweep every second, and no timer for each of them."""

import asyncio
from typing import Final

from chat.closes import Close
from handlers.node import Node
from handlers.peer import Peer
from handlers.wire import PING_FRAME

SWEEP_S: Final = 1.0
LOOK_S: Final = 5.0  # a close, or a new token, makes earlier due what was to be looked at later


class Keeper:
    """Pings everybody, closes the idle and the expired, cuts the dead."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep(self._node.now())

    def sweep(self, now: float) -> None:
        """Do to each connection what time asks for."""
        rounds, peers = self._node.rounds, self._node.peers
        for peer in rounds.take(now):
            if peers.get(peer.conn) is not peer:
                continue
            if peer.due <= now or peer.session.due <= now or peer.outbox.closed is not None:
                self._tend(peer, now)
            rounds.add(peer, min(peer.due, peer.session.due, now + LOOK_S))

    def _tend(self, peer: Peer, now: float) -> None:
        if peer.outbox.closed is not None:
            self._await_goodbye(peer, now)
            return
        self._keep_alive(peer, now)
        due = peer.session.tick(now)
        if isinstance(due, Close):
            peer.outbox.close(due)
        elif due is not None:
            peer.send(due)

    def _await_goodbye(self, peer: Peer, now: float) -> None:
        if peer.closing_at is None:
            peer.closing_at = now
            peer.due = now + self._node.options.goodbye_s
        elif now - peer.closing_at >= self._node.options.goodbye_s:
            peer.outbox.abort()

    def _keep_alive(self, peer: Peer, now: float) -> None:
        """Ping also who speaks: a proxy between may ask for a word of ours."""
        options = self._node.options
        if now - peer.alive >= options.ping_s + options.pong_s:
            peer.outbox.abort()
        elif now - peer.pinged >= options.ping_s:
            peer.pinged = now
            peer.outbox.control(PING_FRAME)
        cut = peer.alive + options.ping_s + options.pong_s
        peer.due = min(cut, peer.pinged + options.ping_s)
