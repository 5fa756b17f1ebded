"""Connections on Redis: what could not be written is written later."""

from collections.abc import Sequence

import pytest

from chat.errors import Unavailable
from chat.presence import ConnectionInfo
from resilience import keys
from resilience.connections_redis import SESSION_MS
from resilience.link import Command, Reply
from tests.resilience.nodes import Ask, OpenNode
from tests.resilience.recorder import until

HERE = ConnectionInfo(conn="1", user="ann", node="a", address="192.0.2.0", since=1)


async def test_an_end_that_was_refused_is_written_later(
    open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that ends while nothing can be written is remembered no longer than others."""
    engine = (await open_shared(node="a")).redis
    ask: Ask = engine.courier.ask
    refused = False

    async def refusing(commands: Sequence[Command]) -> list[Reply]:
        nonlocal refused
        if not refused and any(command[0] == "PEXPIRE" for command in commands):
            refused = True
            raise Unavailable
        return await ask(commands)

    async def left_ms() -> int:
        (reply,) = await ask([("PTTL", keys.session("1"))])
        return int(reply)

    monkeypatch.setattr(engine.courier, "ask", refusing)
    engine.connections.register(HERE)
    assert await until(left_ms, lambda left: left > SESSION_MS)
    engine.connections.drop("1")
    assert await until(left_ms, lambda left: left <= SESSION_MS) > 0
    assert refused
