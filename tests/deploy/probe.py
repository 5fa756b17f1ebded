"""A program in a chat server's place that tells what it meets at a port: an answer or what else."""

import asyncio
import os

from aiohttp import web

SILENCE = 4.0  # seconds; an answer takes milliseconds, on a starved machine two seconds


async def ask(request: web.Request) -> web.Response:
    try:
        async with asyncio.timeout(SILENCE):
            return web.Response(text=await answer(int(request.match_info["port"])))
    except TimeoutError:
        return web.Response(text="silence")
    except ConnectionRefusedError:
        return web.Response(text="refused")
    except ConnectionResetError:
        return web.Response(text="reset")


async def answer(port: int) -> str:
    """Say PING, without a login: whatever Redis and Sentinel say to that, they say it back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"PING\r\n")
        return "answer" if await reader.readline() else "reset"
    finally:
        writer.close()


async def ready(_: web.Request) -> web.Response:
    return web.Response(text="ready")


if __name__ == "__main__":
    application = web.Application()
    application.router.add_get("/health/ready", ready)
    application.router.add_get("/ask/{port}", ask)
    web.run_app(application, host="127.0.0.1", port=int(os.environ["PORT"]), print=None)
