"""Publishers that never give up on a message, and readers of pages."""

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any, Final, cast

from chat.commands import Content
from chat.errors import Refusal, Unavailable
from chat.log import Draft, Receipt, draft_message
from tests.drills.history import Fail, Info, Invoke, Ok, Page
from tests.simulation.chat_node import ChatNode
from tests.simulation.tape import entry

if TYPE_CHECKING:
    from tests.simulation.world import World

_WAY_S: Final = (0.0, 0.002)
CALM_S: Final = 0.4
_PAUSE_S: Final = 0.15
_IMPATIENT_S: Final = (0.5, 16.0)


def draft(room: str, user: str, cid: str, text: str) -> Draft:
    """Return a message that is admitted."""
    return draft_message(room=room, user=user, name=None, cid=cid, content=Content(text=text))


class Publisher:
    """One user, one message after the other."""

    def __init__(self, user: str, world: "World", random: Random) -> None:
        self._user = user
        self._world = world
        self._random = random

    async def run(self) -> None:
        """Publish so many, and on until all faults are over."""
        world, random = self._world, self._random
        sent = 0
        while sent < world.shape.messages or not world.faults_over.is_set():
            room, cid = random.choice(world.rooms), f"c{sent}"
            await self._send(room, cid, f"{self._user} says {sent}")
            if random.random() < 0.03:
                await self._send(room, cid, f"{self._user} says otherwise")
            sent += 1
            calm = sent >= world.shape.messages  # goes on only so that no fault meets silence
            await asyncio.sleep(random.expovariate(1 / (CALM_S if calm else world.shape.pause_s)))

    async def _send(self, room: str, cid: str, text: str) -> None:
        """Try until it is acknowledged or refused for good."""
        world = self._world
        while True:
            node = await world.some_node(self._random)
            attempt = world.tape.add(Invoke(room=room, user=self._user, cid=cid, text=text))
            outcome = await self._attempt(node, draft(room, self._user, cid, text))
            match outcome:
                case Receipt():
                    world.tape.add(Ok(attempt=attempt, seq=outcome.seq, dup=outcome.dup))
                    world.acked += 1
                    return
                case Unavailable() | None:
                    world.tape.add(Info(attempt=attempt, code="unavailable"))
                case Refusal():
                    world.tape.add(Fail(attempt=attempt, code=outcome.code))
                    if outcome.code != "rate_limited":
                        return
            await asyncio.sleep(self._random.uniform(0, _PAUSE_S))

    async def _attempt(self, node: ChatNode, draft: Draft) -> Receipt | Refusal | None:
        """Return the answer; None if it never came."""
        await asyncio.sleep(self._random.uniform(*_WAY_S))
        if not node.alive:
            return None
        receipt, ended = node.log.append(draft), node.ended
        patience = self._random.uniform(*_IMPATIENT_S) if self._random.random() < 0.2 else None
        await asyncio.wait(
            cast("set[asyncio.Future[Any]]", {receipt, ended}),
            return_when=asyncio.FIRST_COMPLETED,
            timeout=patience,
        )
        if not receipt.done() or ended.done():
            receipt.add_done_callback(_fetch)
            return None
        await asyncio.sleep(self._random.uniform(*_WAY_S))
        error = receipt.exception()
        if error is None:
            return receipt.result()
        if isinstance(error, Refusal):
            return error
        raise error


def _fetch(receipt: "asyncio.Future[Receipt]") -> None:
    if not receipt.cancelled():
        receipt.exception()


class PageReader:
    """Somebody who reads pages of all kinds, as REST gives them."""

    def __init__(self, world: "World", random: Random) -> None:
        self._world = world
        self._random = random

    async def run(self) -> None:
        """Read now and then until all is quiet."""
        while not self._world.is_quiet.is_set():
            await asyncio.sleep(self._random.expovariate(1 / self._world.shape.read_pause_s))
            room = self._random.choice(self._world.rooms)
            await self.read(await self._world.some_node(self._random), room)

    async def read(self, node: ChatNode, room: str) -> bool:
        """Read one page; False if there was no answer."""
        tape, random = self._world.tape, self._random
        began, edge, limit = tape.now(), random.randint(0, 12), random.randint(1, 6)
        after, before = random.choice(((edge, None), (None, edge + 1), (None, None)))
        ended = node.ended
        reading = asyncio.ensure_future(
            node.log.read(room, after=after, before=before, limit=limit)
        )
        either = cast("set[asyncio.Future[Any]]", {reading, ended})
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done() or ended.done():
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            return False
        if isinstance(reading.exception(), Unavailable):
            return False
        page = reading.result()
        tape.add(
            Page(
                began=began,
                room=room,
                epoch=page.epoch,
                head=page.head,
                limit=limit,
                entries=tuple(entry(event.payload) for event in page.events),
                after=after,
                before=before,
            )
        )
        return True
