"""A user who writes: one message at a time, said again under its key until the outcome is known."""

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import Final

import aiohttp

from tests.drills.history import Fail, Info, Invoke, Ok
from tests.drills.rig.journal import Ack, Journal
from tests.drills.rig.wire import Address, Frame, Wire, WireLost, dial_any

# Seconds. The server promises an answer within 15; what comes later is recorded as silence.
PATIENCE: Final = 18.0
_LONGEST_PAUSE: Final = 0.5  # before a refused message is said again
# The codes by which a server promises that nothing was written.
REFUSED: Final = {"rate_limited", "conflict", "forbidden", "too_large", "bad_request"}


class Publisher:
    """Says messages of its own in one room after the other, at most one unanswered.

    `period` is the mean time between two messages in seconds; a slow answer shortens the pause
    that follows, so the rate stays as long as an answer takes less than that. `way` leads to the
    servers: the HTTP client, where they are, and the number of the first to try.
    """

    def __init__(
        self,
        name: str,
        token: str,
        rooms: Sequence[str],
        way: tuple[aiohttp.ClientSession, Sequence[Address], int],
        *,
        journal: Journal,
        random: Random,
        period: float,
        padding: int = 0,
    ) -> None:
        self.name = name
        self._token = token
        self._rooms = rooms
        self._http, self._addresses, self._first = way
        self._journal = journal
        self._random = random
        self._period = period
        self._padding = "." * padding
        self._wire: Wire | None = None
        self._leaving = False
        self._count = 0
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        """Publish until told to stop; then until the last message's outcome is known."""
        due = time.monotonic() + self._random.uniform(0, self._period)
        while not self.stopping.is_set():
            await self._pause(due - time.monotonic())
            if self.stopping.is_set():
                break
            await self.say(self._random.choice(self._rooms))
            due = max(due + self._random.uniform(0.5, 1.5) * self._period, time.monotonic())
        await self._hang_up()

    async def say(self, room: str) -> None:
        """Say one message, until its outcome is known."""
        self._count += 1
        cid = f"{self.name}-{self._count}"
        text = f"{self._count} from {self.name}{self._padding}"
        while not await self._attempt(room, cid, text):
            pass

    async def _attempt(self, room: str, cid: str, text: str) -> bool:
        wire = await self._connected()
        recorder, journal = self._journal.recorder, self._journal
        invoked = time.monotonic()
        attempt = recorder.add(Invoke(room=room, user=self.name, cid=cid, text=text))
        frame = {"type": "publish", "id": attempt, "room": room, "cid": cid, "text": text}
        try:
            async with asyncio.timeout(PATIENCE):
                await wire.send(frame)
                answer = await self._answer(wire, attempt)
        except WireLost as lost:
            recorder.add(Info(attempt=attempt, code=f"closed {lost.code}"))
            await self._lose(lost)
            return False
        except TimeoutError:
            recorder.add(Info(attempt=attempt, code="silence"))
            journal.answers.append((time.monotonic(), PATIENCE))
            await self._hang_up()
            return False
        now = time.monotonic()
        journal.answers.append((now, now - invoked))
        if answer["type"] == "ack":
            recorder.add(Ok(attempt=attempt, seq=answer["ref"], dup=answer.get("dup", False)))
            journal.acks.append(Ack(invoked, now, wire.address.node, self.name))
            return True
        code = answer["code"]
        journal.errors[code] += 1
        outcome = Fail if code in REFUSED else Info
        recorder.add(outcome(attempt=attempt, code=code))
        if code == "rate_limited":
            journal.limited[self.name] += 1
        await self._pause(min(answer.get("retry_ms", 0) / 1000, _LONGEST_PAUSE))
        return outcome is Fail and self.stopping.is_set()

    async def _answer(self, wire: Wire, attempt: int) -> Frame:
        while True:
            frame = await wire.receive()
            if frame.get("id") == attempt:
                return frame
            if frame["type"] == "notice":
                self._journal.notices.append((time.monotonic(), frame["code"]))
            elif frame["type"] == "goaway":
                self._leaving = True

    async def _connected(self) -> Wire:
        if self._leaving:
            self._leaving = False
            self._first += 1
            await self._hang_up()
        if self._wire is None:
            self._wire = await dial_any(self._http, self._addresses, self._first, self._token)
            self._journal.opened += 1
        return self._wire

    async def _lose(self, lost: WireLost) -> None:
        self._journal.closes.append((time.monotonic(), self.name, lost.code))
        await self._hang_up()

    async def _hang_up(self) -> None:
        if self._wire is not None:
            wire, self._wire = self._wire, None
            await wire.close()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self.stopping.wait()
        except TimeoutError:
            return
