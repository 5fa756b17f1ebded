"""A device that listens: what it was shown is recorded before any filter of a client."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import aiohttp

from tests.drills.history import Closed, Delivered, Entry, Joined, Place
from tests.drills.rig.journal import Journal
from tests.drills.rig.wire import Address, Frame, Wire, WireLost, dial_any

HISTORY: Final = 50  # events asked for without a copy; also how many a reset shows


def entry(event: Frame) -> Entry:
    """Read a durable event."""
    return Entry(event["seq"], event["user"], event.get("cid", ""), event.get("text", ""))


class Device:
    """Is in one room, and comes back with what it holds whenever its socket is lost."""

    def __init__(self, name: str, token: str, room: str, journal: Journal) -> None:
        self.name = name
        self.room = room
        self.held: Place | None = None
        self.resets: list[str] = []
        self.joined = asyncio.Event()
        self.slow = asyncio.Event()  # while it is set nothing is read
        self._token = token
        self._journal = journal
        self._epoch = ""
        self.at = ""  # the chat server that it is joined at

    async def run(
        self, http: aiohttp.ClientSession, addresses: Sequence[Address], first: int
    ) -> None:
        """Listen until cancelled."""
        while True:
            wire = await dial_any(http, addresses, first, self._token)
            self._journal.opened += 1
            try:
                await self._listen(wire)
            except WireLost as lost:
                self.at = ""
                self._lose(lost.code)
                first += 1
            finally:
                await wire.close()

    async def _listen(self, wire: Wire) -> None:
        began = await self._ask(wire)
        while True:
            frame = await wire.receive()
            while self.slow.is_set():
                await asyncio.sleep(0.05)
            match frame["type"]:
                case "message":
                    self._show([frame], resume=False)
                case "events":
                    self._show(frame["events"], resume=True)
                case "joined":
                    self._enter(frame, began)
                    self.at = wire.address.node
                case "error" if frame.get("id") == "join":
                    await asyncio.sleep(min(frame.get("retry_ms", 100), 500) / 1000)
                    began = await self._ask(wire)
                case "goaway":
                    await asyncio.sleep(frame["retry_ms"] / 1000)
                    raise WireLost(GOING)

    async def _ask(self, wire: Wire) -> int:
        began = self._journal.recorder.now()
        frame: dict[str, Any] = {"type": "join", "id": "join", "room": self.room}
        held = self.held
        mine = {"since": held.seq, "epoch": held.epoch} if held else {"history": HISTORY}
        await wire.send(frame | mine)
        return began

    def _enter(self, frame: Frame, began: int) -> None:
        head, reset = frame["head"], frame.get("reset")
        self._epoch = frame["epoch"]
        since = self.held
        record = Joined(
            began=began,
            device=self.name,
            room=self.room,
            epoch=self._epoch,
            head=head,
            since=since,
            reset=reset,
            owed=HISTORY,
        )
        self._journal.recorder.add(record)
        if reset:
            self.resets.append(reset)
        if since is None or reset:
            self.held = Place(self._epoch, max(0, head - HISTORY))
        self._show(frame["events"], resume=True)
        self.joined.set()

    def _show(self, events: Iterable[Frame], *, resume: bool) -> None:
        add = self._journal.recorder.add
        for event in events:
            shown = entry(event)
            add(
                Delivered(
                    device=self.name,
                    room=self.room,
                    epoch=self._epoch,
                    entry=shown,
                    resume=resume,
                )
            )
            self.held = Place(self._epoch, shown.seq)

    def _lose(self, code: int | None) -> None:
        self._journal.recorder.add(Closed(device=self.name, code=code))
        if code != GOING:
            self._journal.closes.append((time.monotonic(), self.name, code))


GOING: Final = 0  # what a device calls its own leaving after `goaway`
