"""One WebSocket of a client of the rig, light enough to have hundreds in one process."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import WSMsgType

Frame = dict[str, Any]

# Seconds. A server that has not greeted by then is not there; the client goes elsewhere.
GREETING: Final = 5.0
_CLOSING: Final = 1.0
_decode: Final = msgspec.json.Decoder(Frame | list[Frame]).decode
_encode: Final = msgspec.json.Encoder().encode


class WireLost(Exception):
    """The connection was never made, or is gone; `code` is its close code, if there was one."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Address:
    """Where clients find a chat server: its name, and the URL of its door."""

    node: str
    url: str


class Wire:
    """A signed-in connection to one chat server."""

    def __init__(self, address: Address, socket: "aiohttp.ClientWebSocketResponse[bool]") -> None:
        self.address = address
        self._socket = socket
        self._unread: list[Frame] = []

    async def send(self, *frames: Frame) -> None:
        """Send one frame, or several as an array; raises `WireLost`."""
        body = _encode(frames[0] if len(frames) == 1 else frames)
        try:
            await self._socket.send_str(body.decode())
        except (aiohttp.ClientError, OSError):
            raise WireLost(self._socket.close_code) from None

    async def receive(self) -> Frame:
        """Return the next frame; raises `WireLost`."""
        while not self._unread:
            message = await self._socket.receive()
            if message.type is not WSMsgType.TEXT:
                raise WireLost(self._socket.close_code)
            found = _decode(message.data)
            self._unread.extend(found if isinstance(found, list) else [found])
        return self._unread.pop(0)

    def abort(self) -> None:
        """Leave without a word to the server but the kernel's."""
        self._socket._response.close()

    async def close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSING):
                await self._socket.close()
        except TimeoutError:
            return


async def dial(http: aiohttp.ClientSession, address: Address, token: str) -> Wire:
    """Connect and sign in; raises `WireLost`."""
    try:
        async with asyncio.timeout(GREETING):
            socket = await http.ws_connect(
                f"{address.url}/ws", protocols=("chat.v1",), decode_text=False
            )
            wire = Wire(address, socket)
            await wire.send({"type": "auth", "token": token, "batch": True})
            while (await wire.receive())["type"] != "welcome":
                continue
            return wire
    except (aiohttp.ClientError, OSError, TimeoutError):
        raise WireLost from None


async def dial_any(
    http: aiohttp.ClientSession, addresses: Sequence[Address], first: int, token: str
) -> Wire:
    """Connect to the first that lets us in, again and again, from number `first` on."""
    number = first
    while True:
        try:
            return await dial(http, addresses[number % len(addresses)], token)
        except WireLost:
            number += 1
            await asyncio.sleep(RETRY)


RETRY: Final = 0.1  # seconds between two tries to connect
