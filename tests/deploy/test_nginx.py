"""The proxy's own file, run by a real nginx in front of real servers."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import msgspec
import pytest

from deploy.local.cluster import Cluster
from handlers.options import EdgeOptions
from handlers.websocket import PROTOCOL
from tests.chatting import Client, Served, token
from tests.conftest import Serve
from tests.deploy.nginx import CONFIGURATION, proxying

SHORT = {"proxy_read_timeout 65s": "proxy_read_timeout 3s"}
SOCKETS = 20


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def enter(session: aiohttp.ClientSession, url: str, user: str = "ann") -> Client:
    client = Client(await session.ws_connect(f"{url}/ws", protocols=(PROTOCOL,)))
    await client.sign_in(user)
    return client


def ping_every(served: Served, seconds: float) -> None:
    served.node.options = msgspec.structs.replace(served.node.options, ping_s=seconds)


def test_the_time_out_outlasts_two_pings() -> None:
    """What the file waits for is more than twice the server's ping, with its sweep of a second."""
    waits = [int(text) for text in re.findall(r"proxy_(?:read|send)_timeout (\d+)s", CONFIGURATION)]
    assert len(waits) == 2
    assert min(waits) > 2 * (EdgeOptions().ping_s + 1)


async def test_an_idle_socket_outlives_the_time_out(
    serve: Serve, session: aiohttp.ClientSession
) -> None:
    """A socket that says nothing for twice the proxy's time-out still hears and is heard."""
    served = await serve()
    ping_every(served, 1)
    async with proxying([served.port], edits=SHORT) as proxy:
        client = await enter(session, proxy.url)
        await client.join()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(6.5):
                await client.receive()
        assert (await client.publish("still here"))["type"] == "ack"
        await client.socket.close()


async def test_without_pings_the_proxy_would_cut(
    serve: Serve, session: aiohttp.ClientSession
) -> None:
    """If the server does not ping, the same socket is cut: the test above can fail."""
    served = await serve()
    ping_every(served, 60)
    async with proxying([served.port], edits=SHORT) as proxy:
        client = await enter(session, proxy.url)
        assert (await client.closing()).code == 1006


async def test_a_draining_node_gets_nobody(serve: Serve, session: aiohttp.ClientSession) -> None:
    """While one of two nodes drains every handshake succeeds, at the other."""
    leaving, staying = await serve(), await serve()
    async with proxying([leaving.port, staying.port]) as proxy:
        leaving.node.announce_drain("restart")
        clients = [await enter(session, proxy.url, f"u{number}") for number in range(SOCKETS)]
        assert (len(leaving.node.peers), len(staying.node.peers)) == (0, SOCKETS)
        for client in clients:
            await client.socket.close()


async def test_a_killed_node_is_passed_over() -> None:
    """Those on a killed node learn it at once, every handshake after it succeeds elsewhere.

    And as soon as it is back it is given the next ones, until both have as many.
    """
    settings = {"REDIS_URL": "memory://", "WEBSOCKET_MAX_UNAUTHENTICATED_PER_IP": "100"}
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(
            Cluster(replicas=0, sentinels=0, chats=2, settings=settings)
        )
        proxy = await stack.enter_async_context(proxying([chat.port for chat in cluster.chats]))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        sockets = [await shake_hands(session, proxy.url) for _ in range(6)]
        await cluster.chats[0].kill()
        ends = await asyncio.gather(*(ended(socket) for socket in sockets))
        assert sum(ends) == 3  # least_conn had spread them evenly
        sockets += [await shake_hands(session, proxy.url) for _ in range(6)]
        assert sum(await asyncio.gather(*(ended(socket) for socket in sockets))) == 3
        await cluster.chats[0].start()
        sockets += [await shake_hands(session, proxy.url) for _ in range(9)]
        assert await connections(cluster.chats[0].url, session) == 9
        for socket in sockets:
            await socket.close()


async def shake_hands(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    socket = await session.ws_connect(f"{url}/ws", protocols=(PROTOCOL,))
    assert (await socket.receive_json(timeout=5))["type"] == "hello"
    return socket


async def connections(url: str, session: aiohttp.ClientSession) -> int:
    async with session.get(f"{url}/health/websocket") as answer:
        return int((await answer.json())["connections"])


async def ended(socket: aiohttp.ClientWebSocketResponse) -> bool:
    """Tell whether the socket ends within a second."""
    try:
        message = await socket.receive(1)
    except TimeoutError:
        return False
    return message.type is not aiohttp.WSMsgType.TEXT


async def test_each_address_counts_for_itself(serve: Serve) -> None:
    """Behind the proxy the bound of an address is the client's, and no header moves it."""
    served = await serve(WEBSOCKET_MAX_CONNECTIONS_PER_IP=1, TRUSTED_PROXIES="127.0.0.1")
    async with proxying([served.port]) as proxy, AsyncExitStack() as stack:

        async def try_from(address: str, headers: dict[str, str] | None = None) -> None:
            connector = aiohttp.TCPConnector(local_addr=(address, 0))
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            socket = await session.ws_connect(f"{proxy.url}/ws", headers=headers)
            stack.push_async_callback(socket.close)

        await try_from("127.0.0.2")
        await try_from("127.0.0.3")
        for headers in (None, {"X-Forwarded-For": "10.9.8.7"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await try_from("127.0.0.2", headers)
            assert refused.value.status == 429


async def test_a_publish_by_rest_is_never_carried_out_twice(
    session: aiohttp.ClientSession,
) -> None:
    """A POST whose node falls silent ends with 504, and no other node is given the same one."""
    heard: list[bytes] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        await reader.read()
        writer.close()

    nodes = [await asyncio.start_server(silent, "127.0.0.1", 0) for _ in range(2)]
    ports = [node.sockets[0].getsockname()[1] for node in nodes]
    async with proxying(ports, edits=SHORT) as proxy:
        headers = {"Authorization": f"Bearer {token('ann')}"}
        url = f"{proxy.url}/v1/rooms/general/messages"
        async with session.post(url, json={"text": "once"}, headers=headers) as answer:
            assert answer.status == 504
    assert len(heard) == 1
    for node in nodes:
        node.close()
        await node.wait_closed()
