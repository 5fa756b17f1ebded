"""What watches the servers under measurement: a collector of spans, and a scraper of metrics."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.chat_node import ChatNode

SCRAPE_S: Final = 15.0


async def take(request: web.Request) -> web.Response:
    """Take an export in, as a collector that looks at nothing."""
    await request.read()
    return web.Response()


@asynccontextmanager
async def sinking() -> AsyncIterator[str]:
    """Run a collector on loopback; yield its URL."""
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def scrape(session: aiohttp.ClientSession, chats: Sequence[ChatNode]) -> None:
    """Scrape as Prometheus does, until cancelled."""
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    while True:
        for chat in chats:
            url = f"http://127.0.0.1:{chat.admin_port}/metrics"
            async with session.get(url, headers=accept) as answer:
                await answer.read()
        await asyncio.sleep(SCRAPE_S)


async def spans(session: aiohttp.ClientSession, chat: ChatNode) -> dict[str, int]:
    """Return what has become of a server's spans: exported, failed, dropped."""
    async with session.get(f"http://127.0.0.1:{chat.admin_port}/metrics") as answer:
        text = await answer.text()
    return {
        sample.labels["outcome"]: int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "chat_trace_spans_total"
    }
