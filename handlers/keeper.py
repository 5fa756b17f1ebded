"""What time does to connections: one sweep a second over those that are due, no timer for each."""

import asyncio
from typing import Final

from chat.closes import Close
from handlers.node import Node
from handlers.peer import Peer
from handlers.wire import PING_FRAME

SWEEP_S: Final = 1.0


class Keeper:
    """Probes the silent, closes the idle and the expired, cuts the dead."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep(self._node.now())

    def sweep(self, now: float) -> None:
        """Do to each connection what time asks for.

        Who is not due is only looked at: 0.1 µs each, where tending them takes 3.
        """
        due = [
            peer
            for peer in self._node.peers.values()
            if peer.due <= now or peer.session.due <= now or peer.outbox.closed is not None
        ]
        for peer in due:
            self._tend(peer, now)

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
        elif now - peer.closing_at >= self._node.options.goodbye_s:
            peer.outbox.abort()

    def _keep_alive(self, peer: Peer, now: float) -> None:
        options = self._node.options
        if now - peer.alive >= options.ping_s + options.pong_s:
            peer.outbox.abort()
        elif now - max(peer.alive, peer.pinged) >= options.ping_s:
            peer.pinged = now
            peer.outbox.control(PING_FRAME)
        cut = peer.alive + options.ping_s + options.pong_s
        peer.due = min(cut, max(peer.alive, peer.pinged) + options.ping_s)
