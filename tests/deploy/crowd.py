"""Clients as the protocol wants them: they move when told to, resume, repeat what was unacked."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import aiohttp

from deploy.local.audience import ticket
from deploy.local.waiting import until

Frame = dict[str, Any]
BACKOFF_S: Final = (0.1, 1.0)
ENTERING: Final = 25  # at once, so that entering is not what is measured


class Member:
    """One user in one room; all it knows is the proxy's URL."""

    def __init__(self, session: aiohttp.ClientSession, url: str, secret: str, room: str) -> None:
        self.room = room
        self.acked: dict[str, int] = {}  # cid to seq
        self.heard: list[int] = []
        self.moves: list[float] = []  # when it was online again, by the monotonic clock
        self.refusals: list[str] = []  # handshakes that failed, and how
        self.resets: list[str] = []
        self.online = asyncio.Event()
        self._session = session
        self._url = url
        self._secret = secret
        self._name = f"u{time.monotonic_ns()}"
        self._epoch: str | None = None
        self._socket: aiohttp.ClientWebSocketResponse
        self._answers: dict[str, asyncio.Future[Frame]] = {}

    async def live(self) -> None:
        """Be connected for ever; cancelled at the end."""
        for number in itertools.count():
            await self._connect()
            self.online.set()
            if number:
                self.moves.append(time.monotonic())
            retry_s = await self._listen()
            self.online.clear()
            for answer in self._answers.values():
                answer.cancel()
            await asyncio.sleep(retry_s)

    async def talk(self, every_s: float, stop: asyncio.Event) -> None:
        """Publish on the average so often; what was not acked is repeated with its cid."""
        await asyncio.sleep(random.random() * every_s)
        for number in itertools.count():
            if stop.is_set():
                return
            await self._say(f"{self._name}-{number}")
            await asyncio.sleep(every_s)

    async def _say(self, cid: str) -> None:
        while cid not in self.acked:
            await self.online.wait()
            answer = self._answers[cid] = asyncio.get_running_loop().create_future()
            frame = {"type": "publish", "room": self.room, "cid": cid, "text": cid}
            with suppress(aiohttp.ClientConnectionResetError):
                await self._socket.send_json(frame)
            await asyncio.wait([answer])  # its own cancellation means: connect and repeat
            if answer.cancelled():
                continue
            reply = answer.result()
            if reply["type"] == "ack":
                self.acked[cid] = reply["ref"]
            else:
                await asyncio.sleep(reply["retry_ms"] / 1000)

    async def _connect(self) -> None:
        """Shake hands, sign in and resume."""
        while True:
            try:
                self._socket = await self._session.ws_connect(
                    f"{self._url}/ws", protocols=("chat.v1",)
                )
                break
            except aiohttp.ClientError as error:
                self.refusals.append(str(error))
                await asyncio.sleep(random.uniform(*BACKOFF_S))
        cursor = {"since": len(self.heard), "epoch": self._epoch} if self._epoch else {"history": 0}
        await self._socket.send_json({"type": "auth", "token": ticket(self._secret, self._name)})
        await self._socket.send_json({"type": "join", "room": self.room, **cursor})
        while not await self._receive_joined():
            pass

    async def _receive_joined(self) -> bool:
        frame = await self._socket.receive_json(timeout=20)
        if frame["type"] != "joined":
            return False
        self._epoch = frame["epoch"]
        if "reset" in frame:
            self.resets.append(frame["reset"])
        self._take(frame)
        return True

    async def _listen(self) -> float:
        """Take frames in until the connection ends; seconds until the next one."""
        leaving: asyncio.Task[None] | None = None
        try:
            while (message := await self._socket.receive()).type is aiohttp.WSMsgType.TEXT:
                frame = message.json()
                if frame["type"] == "goaway":
                    leaving = asyncio.create_task(self._leave(frame["retry_ms"] / 1000))
                self._take(frame)
            _, _, retry_ms = str(message.extra or "").partition("retry=")
            return int(retry_ms or 0) / 1000
        finally:
            if leaving is not None:
                if not self._socket.closed:  # the server was first
                    leaving.cancel()
                await asyncio.wait([leaving])
            await self._socket.close()

    async def _leave(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._socket.close()

    def _take(self, frame: Frame) -> None:
        self.heard += [event["seq"] for event in frame.get("events", [frame]) if "seq" in event]
        answer = self._answers.get(frame.get("cid", ""))
        if answer is not None and "seq" not in frame and not answer.done():
            answer.set_result(frame)


class Crowd:
    """All members, and what can be asked of them together."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members

    async def all_online(self, deadline: float) -> None:
        for member in self.members:
            await asyncio.wait_for(member.online.wait(), deadline)

    def moves(self, since: float = 0) -> list[list[float]]:
        """Return for each member when it moved."""
        return [[at for at in member.moves if at > since] for member in self.members]


@asynccontextmanager
async def crowd(
    url: str, secret: str, rooms: int, people: int, every_s: float
) -> AsyncIterator[Crowd]:
    """Let so many people live in so many rooms, each talking so often, within the block.

    At its end they have stopped talking and stay for what they have not heard yet.
    """
    asyncio.get_running_loop().set_debug(enabled=False)  # it costs more than all of them together
    stop = asyncio.Event()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        members = [
            Member(session, url, secret, f"room-{number % rooms}") for number in range(people)
        ]
        together = Crowd(members)
        living = []
        for start in range(0, people, ENTERING):
            entering = members[start : start + ENTERING]
            living += [group.create_task(member.live()) for member in entering]
            for member in entering:
                await member.online.wait()
        talking = [group.create_task(member.talk(every_s, stop)) for member in members]
        try:
            yield together
            stop.set()
            await asyncio.wait_for(asyncio.gather(*talking), 30)
            await _heard_all(members)
        finally:
            for task in (*talking, *living):
                task.cancel()
    # The sockets end with the session.


async def _heard_all(members: Sequence[Member]) -> None:
    heads: dict[str, int] = {}
    for member in members:
        heads[member.room] = max(heads.get(member.room, 0), *member.acked.values(), 0)

    async def heard() -> bool:
        return all(len(member.heard) >= heads[member.room] for member in members)

    await until(heard, 20, "everyone has heard everything")
