"""One command to a Redis or Sentinel process, on a connection of its own."""

import asyncio
from pathlib import Path
from typing import Any, Final

from redis import RedisError
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from deploy.local.ports import LOOPBACK

# Seconds. A process that answers at all does so in one or two milliseconds.
ANSWER: Final = 0.5
HANDSHAKE: Final = 1.5  # more by TLS, of which a busy machine makes a dozen in a row
# What comes of a node that is dead, frozen, cut off, still loading or asked too early.
UNANSWERED: Final = (RedisError, OSError, TimeoutError)


async def command(
    port: int,
    login: tuple[str, str],
    *words: str | int,
    deadline: float = ANSWER,
    authorities: Path | None = None,
) -> Any:
    """Carry out one command at a loopback port, as the user and password of `login`.

    With a file of `authorities` by TLS, which may take `HANDSHAKE` seconds more.

    Raises redis' errors: ResponseError for what the process says, ConnectionError if it is not
    there; TimeoutError after `deadline` seconds. Nothing is tried twice.
    """
    settings: dict[str, Any] = {
        "host": LOOPBACK,
        "port": port,
        "username": login[0],
        "password": login[1],
        "decode_responses": True,
        "protocol": 2,
        "driver_info": None,
        "retry": Retry(NoBackoff(), 0),
    }
    connection = (
        SSLConnection(**settings, ssl_ca_certs=str(authorities))
        if authorities
        else Connection(**settings)
    )
    try:
        async with asyncio.timeout(deadline + (HANDSHAKE if authorities else 0)):
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command(*words)
            return await connection.read_response()
    finally:
        await connection.disconnect(nowait=True)
