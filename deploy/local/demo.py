"""A whole deployment on one machine, to look at and to break: `make ha` and `make failover`."""

import asyncio
import signal
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from deploy.local.chat_node import SERVER
from deploy.local.cluster import Cluster
from deploy.local.failover import KINDS, fail_over

SOCKET: Final = Path(".ha.sock")  # in the folder one stands in: both commands are run there
CHATS: Final = 2
GENEROUS: Final = {
    "RATE_LIMIT_MESSAGES_PER_MINUTE": "100000",
    "WEBSOCKET_MAX_CONNECTIONS": "1000",
    "WEBSOCKET_MAX_CONNECTIONS_PER_IP": "1000",
    "WEBSOCKET_MAX_UNAUTHENTICATED_PER_IP": "1000",
    "WEBSOCKET_HANDSHAKES_PER_MINUTE": "10000",
}


async def run() -> int:
    """Run three Redis, three sentinels and two chat servers until Ctrl-C or SIGTERM.

    1: something is running here already.
    """
    if (other := await _reach()) is not None:
        other[1].close()
        print("this is running here already: end that one by Ctrl-C first", file=sys.stderr)
        return 1
    running = asyncio.create_task(_run())

    def stop() -> None:
        if not running.cancelling():  # a second Ctrl-C does not disturb the end
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await running
    return 0


async def _run() -> None:
    """Run all of it until cancelled, whether it is starting, idle or failing over."""
    async with Cluster(settings=GENEROUS, failover=True) as cluster:
        chats = [cluster.chat(command=(*SERVER, "--dev")) for _ in range(CHATS)]
        await asyncio.gather(*(chat.start() for chat in chats))
        turn, answers = asyncio.Lock(), asyncio.TaskGroup()

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answers.create_task(_answer(cluster, turn, reader, writer))

        SOCKET.unlink(missing_ok=True)
        try:
            async with await asyncio.start_unix_server(serve, SOCKET), answers:
                print(_greeting(cluster), flush=True)
                await asyncio.Event().wait()
        finally:
            SOCKET.unlink(missing_ok=True)
            print("stopping", flush=True)


async def order(kind: str) -> int:
    """Ask the running deployment for a failover and print its report; 1 if there is none."""
    if (running := await _reach()) is None:
        print("nothing is running here: start `make ha` in another terminal", file=sys.stderr)
        return 1
    reader, writer = running
    writer.write(kind.encode() + b"\n")
    report = (await reader.read()).decode()
    writer.close()
    print(report or "  failed: it was ended meanwhile")
    return 0 if "lost 0, doubled 0, out of order 0" in report else 1


async def _reach() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Connect to what is running here; None if nothing is."""
    try:
        return await asyncio.open_unix_connection(SOCKET)
    except OSError:
        return None


async def _answer(
    cluster: Cluster,
    turn: asyncio.Lock,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Carry out an order and report it in both terminals; who only looks in orders nothing."""
    with suppress(ConnectionError), closing(writer):
        if kind := (await reader.readline()).decode().strip():
            async with turn:
                text = await _failed_over(cluster, kind)
            print(text, flush=True)
            writer.write(text.encode())
            await writer.drain()


async def _failed_over(cluster: Cluster, kind: str) -> str:
    try:
        if kind not in KINDS:
            raise ValueError(f"a failover is one of {', '.join(KINDS)}")
        return (await fail_over(cluster, kind)).text()
    except Exception as error:  # noqa: BLE001 - whatever it is, who ordered it is told
        cause = _innermost(error)
        return f"  failed: {type(cause).__name__}: {cause}"


def _innermost(error: Exception) -> Exception:
    """Return what failed within the task group of those who talk."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _greeting(cluster: Cluster) -> str:
    consoles = "\n".join(f"  console  {chat.url}/console" for chat in cluster.chats)
    nodes = ", ".join(f"{node.name} :{node.announced}" for node in cluster.nodes)
    sentinels = ", ".join(f":{sentinel.announced}" for sentinel in cluster.sentinels)
    return (
        f"\n{consoles}\n  redis    {nodes}\n  sentinel {sentinels}\n\n"
        "Sign in on both consoles, join a room, and in another terminal: make failover\n"
        "(KIND=kill, hang or planned). Ctrl-C ends everything.\n"
    )
