"""What time does to connections, told by the clock that the keeper is handed."""

import asyncio
import time

from aiohttp import WSMsgType

from chat.closes import KICKED
from handlers.keeper import Keeper
from handlers.peer import Peer
from tests.chatting import Client, Served
from tests.conftest import Connect, Serve


async def aged(served: Served, client: Client, seconds: float) -> None:
    """Let the keeper look at every connection as if it were later."""
    await client.ask({"type": "ping"})
    later = time.monotonic() + seconds
    for peer in list(served.node.peers.values()):
        peer.alive = later
    Keeper(served.node).sweep(later)


async def test_silent_connection_is_pinged_then_cut(serve: Serve, connect: Connect) -> None:
    """25 s of silence bring a ping frame, 37.5 s the end."""
    served = await serve()
    client = await connect(to=served, autoping=False)
    (peer,) = served.node.peers.values()
    keeper = Keeper(served.node)
    keeper.sweep(peer.alive + 25)
    message = await client.socket.receive(5)
    assert message.type is WSMsgType.PING
    keeper.sweep(peer.alive + 38)
    assert (await client.closing()).code in {1006, None}


async def test_who_speaks_is_pinged_too(serve: Serve, connect: Connect) -> None:
    """A proxy that looks at the server's silence sees a ping every 25 s, and no more of them."""
    served = await serve()
    client = await connect(to=served, autoping=False)
    (peer,) = served.node.peers.values()
    began, keeper = peer.alive, Keeper(served.node)
    for second in range(0, 56, 4):
        peer.alive = began + second
        keeper.sweep(peer.alive + 1)
    await client.send({"type": "ping"})
    came = [(await client.socket.receive(5)).type for _ in range(3)]
    assert came == [WSMsgType.PING, WSMsgType.PING, WSMsgType.TEXT]


async def test_idle_connection_is_probed_then_closed(serve: Serve, connect: Connect) -> None:
    """At 80 % of the idle time the server asks; without an answer it closes with 4203."""
    served = await serve(WEBSOCKET_TIMEOUT=20)
    client = await connect(to=served)
    await aged(served, client, 16)
    assert (await client.until("ping"))["type"] == "ping"
    await client.send({"type": "pong"})
    await aged(served, client, 15)
    assert (await client.ask({"type": "ping"}))["type"] == "pong"
    await aged(served, client, 21)
    assert (await client.closing()).code == 4203


async def test_auth_timeout(serve: Serve, connect: Connect) -> None:
    """Who has not signed in after ten seconds is closed with 4100."""
    served = await serve()
    client = await connect(None, to=served)
    await aged(served, client, 10)
    assert (await client.closing()).code == 4100


async def test_expiring_token(serve: Serve, connect: Connect) -> None:
    """A token is said to expire a minute before, and closes with 4102 after its leeway."""
    served = await serve(WEBSOCKET_TIMEOUT=86400)
    client = await connect(None, to=served)
    await client.sign_in("ann")
    life = 12 * 3600
    await aged(served, client, life - 59)
    assert (await client.until("notice"))["code"] == "token_expiring"
    await aged(served, client, life + 11)
    assert (await client.closing()).code == 4102


async def test_only_who_is_due_is_tended(serve: Serve, connect: Connect) -> None:
    """After its first sweep nobody is tended until a ping, a cut or a goodbye is due."""
    served = await serve()
    client = await connect(to=served)
    await client.ask({"type": "ping"})
    (peer,) = served.node.peers.values()
    now = peer.alive
    keeper = Counting(served.node)
    keeper.sweep(now + 6)
    assert keeper.tended_at(now + 24) == 0
    assert keeper.tended_at(now + 26) == 1
    assert keeper.tended_at(now + 37) == 0
    peer.alive = now + 200
    assert keeper.tended_at(now + 39) == 1
    assert keeper.tended_at(now + 50) == 0
    assert keeper.tended_at(now + 52) == 1
    peer.outbox.close(KICKED)
    assert keeper.tended_at(now + 59) == 1


async def test_who_does_not_answer_a_close_is_cut(serve: Serve, connect: Connect) -> None:
    """A close is found within five seconds, and waited for five more; then the rest is cut off."""
    served = await serve()
    client = await connect(to=served)
    await client.ask({"type": "ping"})
    (peer,) = served.node.peers.values()
    now = peer.alive + 10
    keeper = Counting(served.node)
    keeper.sweep(now)
    peer.outbox.close(KICKED)
    assert keeper.tended_at(now + 6) == 1
    keeper.sweep(now + 10)
    await asyncio.sleep(0.2)
    assert served.node.peers
    keeper.sweep(now + 12)
    async with asyncio.timeout(5):
        while served.node.peers:
            await asyncio.sleep(0.01)


class Counting(Keeper):
    """A keeper that counts whom it tends."""

    tended = 0

    def tended_at(self, now: float) -> int:
        """Sweep, and return how many were tended."""
        self.tended = 0
        self.sweep(now)
        return self.tended

    def _tend(self, peer: Peer, now: float) -> None:
        self.tended += 1
        super()._tend(peer, now)
