"""Every bad input of every table at one process: answered, survived, and nothing kept."""

import asyncio
import json
from typing import Any, Final

import aiohttp
import yarl

from tests.chatting import token
from tests.handlers import autobahn
from tests.handlers.autobahn_utf8 import texts
from tests.handlers.framing import CLOSE, HANDSHAKE, frame
from tests.handlers.test_bad_requests import BODIES, REQUESTS, ROOM
from tests.handlers.test_listening import MALFORMED
from tests.server.process import Process, process

ROUNDS: Final = 3
GROWTH: Final = 20 << 20
FRAMES: Final[list[Any]] = [
    *(None, True, 0, 1.5, "", "x", [], [[]], [None], {}, {"type": None}, {"type": "nope"}),
    *({"type": kind} for kind in ("auth", "join", "leave", "publish", "typing")),
    *({"type": "join", "room": room} for room in ("", "a b", "a\n", "x" * 65, 5, None)),
    *({"type": "join", "room": "a", "since": since} for since in (-1, 2**70, "1", 1.5)),
    *({"type": "publish", "room": "a", "text": text} for text in ("", " \u200b", 1, "x" * 4_001)),
    *({"type": "publish", "room": "a", "text": "x", "cid": cid} for cid in ("", "a b", 5)),
    *({"type": "auth", "token": token} for token in ("", "x", "x.y.z", 5, "x" * 8_193)),
    *({"type": "ping", "id": name} for name in ("x" * 65, 2**70, True)),
    [{"type": "ping"}] * 65,
]
RAW: Final = [
    *(b"", b"{", b"[", b"]", b"nul", b"NaN", b"\xff", b"\xed\xa0\x80", b'"\\ud800"', b"\0"),
    *(
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b"9" * 5_000,
        b"1e999",
        b'{"type":"ping"',
        b"\xef\xbb\xbf{}",
    ),
]


async def by_http(session: aiohttp.ClientSession, server: Process) -> list[int]:
    """Send the tables of bad requests and bodies; return the statuses."""
    statuses = []
    bearer = {"Authorization": f"Bearer {token('ann', scope='chat.admin')}"}
    for body, *_ in BODIES:
        headers = {**bearer, "Content-Type": "application/json"}
        statuses.append(await status(session, server, "POST", ROOM, headers, body))
    for method, path, headers, *_ in REQUESTS:
        statuses.append(await status(session, server, method, path, {**bearer, **headers}, None))
    return statuses


async def status(
    session: aiohttp.ClientSession,
    server: Process,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None,
) -> int:
    url = yarl.URL(f"http://127.0.0.1:{server.port}{path}", encoded=True)
    async with session.request(method, url, headers=headers, data=body) as reply:
        await reply.read()
        return reply.status


async def exchange(server: Process, *sent: bytes) -> bytes:
    """Send bytes, and return all that comes until the server ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.writelines(sent)
    heard = b""
    try:
        async with asyncio.timeout(10):
            while more := await reader.read(65_536):
                heard += more
    except ConnectionError:  # it was cut while we were still sending
        pass
    finally:
        writer.close()
    return heard


async def by_socket(session: aiohttp.ClientSession, server: Process) -> list[str]:
    """Send bad frames, three a connection; return the codes and close codes that came."""
    payloads = [json.dumps(each).encode() for each in FRAMES] + RAW
    heard = []
    for start in range(0, len(payloads), 3):
        protocols = ("chat.v1", f"bearer.{token('ann')}")
        url = f"http://127.0.0.1:{server.port}/ws"
        async with session.ws_connect(url, protocols=protocols) as socket:
            for payload in payloads[start : start + 3]:
                await socket.send_frame(payload, aiohttp.WSMsgType.TEXT)
            await socket.send_bytes(b"enough")
            heard += [json.loads(message.data).get("code", "") async for message in socket]
            heard.append(str(socket.close_code))
    return heard


async def test_bad_inputs() -> None:
    """Some 400 bad inputs, three times over: no 5xx, no traceback, alive, and 20 MB at the most."""
    cases = autobahn.by_chapter(autobahn.framing(), autobahn.reserved(), texts())
    count = len(BODIES) + len(REQUESTS) + len(MALFORMED) + len(FRAMES) + len(RAW) + len(cases)
    assert count >= 150
    handshake = HANDSHAKE.format(token=token("ann")).encode()
    async with process(LOG_LEVEL="DEBUG") as server, aiohttp.ClientSession() as session:
        await by_http(session, server)  # what is made once and kept
        before = server.rss
        for _ in range(ROUNDS):
            assert {status // 100 for status in await by_http(session, server)} == {4}
            for sent in MALFORMED:
                assert (await exchange(server, sent)).split()[1] == b"400"
            codes = await by_socket(session, server)
            assert not {"internal", "1011", "1006", "None"} & set(codes)
            assert codes.count("bad_request") > 40
            for case in cases:
                assert b"101" in (await exchange(server, handshake, *case.sent, frame(CLOSE)))[:20]
        assert server.alive
        growth = server.rss - before
        await session.close()
        assert await server.stop() == 0
    assert growth <= GROWTH, growth
    assert "Traceback" not in server.output
    assert '"level":"error"' not in server.output
