"""The canary: every five seconds a message of this node's own goes the whole way and is timed.

Histograms of what people send are silent when nothing gets through; this one is not.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Final

from chat.commands import Content
from chat.errors import Refusal
from chat.log import Draft, Position, draft_message
from chat.names import CANARY_ROOM
from handlers.node import Node
from handlers.vitals import CANARY_S

_log: Final = logging.getLogger("holdfast.canary")
_CID_BYTES: Final = 12


class Canary:
    """Publishes into a room that no client can name, and listens there like everyone else."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._sung = 0
        self._joined = False
        self._awaited = b""
        self._heard = asyncio.Event()

    async def run(self) -> None:
        """Sing until cancelled."""
        due = self._node.now()
        self._node.vitals.start(due)
        while True:
            due = max(due + CANARY_S, self._node.now())
            await asyncio.sleep(due - self._node.now())
            await self.sing()

    async def sing(self) -> None:
        """Send one, and wait until it has come back or the next one is due."""
        try:
            async with asyncio.timeout(CANARY_S):
                seconds = await self._fly()
        except (Refusal, TimeoutError) as error:
            why = error.code if isinstance(error, Refusal) else "timeout"
            self._node.vitals.missed(why)
            _log.warning("canary_missed", extra={"why": why})
        else:
            self._node.vitals.returned(self._node.now(), seconds)

    async def _fly(self) -> float:
        if not self._joined:
            await self._join()
        draft = self._draft()
        self._awaited = draft.cid.encode()
        self._heard.clear()
        began = self._node.now()
        await self._node.engine.log.append(draft)
        await self._heard.wait()
        return self._node.now() - began

    def _draft(self) -> Draft:
        """Return a message of a user of its own: the publish rate is not what is tested."""
        self._sung += 1
        return draft_message(
            room=CANARY_ROOM,
            user=f"canary-{self._node.engine.node}-{self._sung}",
            name=None,
            cid=secrets.token_urlsafe(_CID_BYTES),
            content=Content(text="canary"),
        )

    async def _join(self) -> None:
        hub, log = self._node.hub, self._node.engine.log
        hub.enter(CANARY_ROOM, self, watch=False)
        await hub.follow(log, CANARY_ROOM)
        page = await log.read(CANARY_ROOM, limit=1)
        self._joined = hub.settle(CANARY_ROOM, self, Position(page.epoch, page.head))

    @property
    def wire(self) -> "Canary":
        """Its frames are the payloads themselves."""
        return self

    def frames(self, payloads: Sequence[bytes]) -> bytes:
        """Return the payloads, joined."""
        return b"".join(payloads)

    def offer(self, chunk: bytes) -> None:
        """Hear what all nodes' canaries say; only its own last one counts."""
        if self._awaited and self._awaited in chunk:
            self._heard.set()

    def offer_lossy(self, chunk: bytes) -> None:
        """Nobody types here."""

    def resync(self, room: str) -> None:  # noqa: ARG002 - it is in one only
        """The history was lost: join again before the next one."""
        self._joined = False
