"""People in a room: they talk while something breaks, and remember what they were told."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import aiohttp
import jwt

TALK_S: Final = 0.05  # each says twenty messages a second
PAGE: Final = 100
LIFETIME_S: Final = 3600


class Person:
    """One user on one chat server: publishes, one at a time, and listens."""

    def __init__(self, name: str, room: str, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.name = name
        self.room = room
        self.socket = socket
        self.acked: dict[str, int] = {}  # cid to seq
        self.acks: list[tuple[float, float]] = []  # when asked, when answered
        self.heard: list[int] = []
        self.refused = 0
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def listen(self) -> None:
        """Take in every frame until the connection ends."""
        async for message in self.socket:
            frames = json.loads(message.data)
            for frame in frames if isinstance(frames, list) else [frames]:
                if "seq" in frame:
                    self.heard.append(frame["seq"])
                elif frame.get("cid") in self._answers:
                    self._answers.pop(frame["cid"]).set_result(frame)
        for answer in self._answers.values():
            answer.set_exception(ConnectionResetError(f"{self.name} is cut off"))

    async def talk(self, stop: asyncio.Event) -> None:
        """Publish one after the other; what is refused is repeated with its cid, until `stop`.

        Whoever is cut off falls silent: what becomes of a socket is for the report to say.
        """
        with suppress(ConnectionError):
            for number in itertools.count():
                if stop.is_set():
                    return
                await self._say(f"{self.name}-{number}", stop)
                await asyncio.sleep(TALK_S)

    async def _say(self, cid: str, stop: asyncio.Event) -> None:
        asked = time.monotonic()
        while cid not in self.acked and not stop.is_set():
            answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._answers[cid] = answer
            frame = {"type": "publish", "room": self.room, "cid": cid, "text": cid}
            await self.socket.send_json(frame)
            reply = await answer
            if reply["type"] == "ack":
                self.acked[cid] = reply["ref"]
                self.acks.append((asked, time.monotonic()))
            else:
                self.refused += 1
                await asyncio.sleep(reply.get("retry_ms", 1000) / 1000)


@asynccontextmanager
async def audience(
    urls: Sequence[str], secret: str, room: str, count: int
) -> AsyncIterator[list[Person]]:
    """Let so many people join the room, spread over the servers, and talk within the block."""
    stop = asyncio.Event()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        people = [
            await _enter(session, url, secret, room, f"p{number}")
            for number, url in zip(range(count), itertools.cycle(urls), strict=False)
        ]
        listening = [group.create_task(person.listen()) for person in people]
        talking = [group.create_task(person.talk(stop)) for person in people]
        try:
            yield people
        finally:
            stop.set()
            await asyncio.wait(talking)
            for person in people:
                await person.socket.close()
            await asyncio.wait(listening)


async def _enter(
    session: aiohttp.ClientSession, url: str, secret: str, room: str, name: str
) -> Person:
    socket = await session.ws_connect(f"{url}/ws", protocols=("chat.v1",))
    await socket.send_json({"type": "auth", "token": ticket(secret, name)})
    await socket.send_json({"type": "join", "room": room, "history": 0})
    async for message in socket:
        if json.loads(message.data)["type"] == "joined":
            return Person(name, room, socket)
    raise ConnectionError(f"{name} was not let in")


def ticket(secret: str, name: str) -> str:
    """Return a token that opens every room."""
    now = int(time.time())
    claims = {"aud": "chat", "sub": name, "iat": now, "exp": now + LIFETIME_S}
    return jwt.encode({**claims, "rooms": {"*": "rw"}}, secret, "HS256")


async def read_log(url: str, secret: str, room: str) -> dict[str, int]:
    """Return the whole log of a room as one server tells it: cid to seq; ValueError for a hole."""
    found: dict[str, int] = {}
    headers = {"Authorization": f"Bearer {ticket(secret, 'auditor')}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        after, head = 0, 1
        while after < head:
            query = {"after": str(after), "limit": str(PAGE)}
            async with session.get(f"{url}/v1/rooms/{room}/messages", params=query) as answer:
                page = await answer.json()
            for item in page["items"]:
                if item["seq"] != after + 1 or item["cid"] in found:
                    raise ValueError(f"the log is broken at {item['seq']}")
                after = item["seq"]
                found[item["cid"]] = after
            head = page["head"]
    return found
