"""A real Chromium for the tests of pages."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@asynccontextmanager
async def chromium(places: Mapping[str, int] | None = None) -> AsyncIterator[Browser]:
    """Run Debian's Chromium, headless; `places` lead host:port to other ports of this machine."""
    path = shutil.which("chromium")
    assert path is not None, "chromium is not on PATH"
    async with async_playwright() as playwright:
        rules = ",".join(f"MAP {at} 127.0.0.1:{port}" for at, port in (places or {}).items())
        arguments = [*ARGUMENTS, f"--host-resolver-rules={rules}"]
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


def complaints_of(page: Page) -> list[str]:
    """Return the list that fills with the page's errors: exceptions, CSP, failed loads."""
    complaints: list[str] = []

    def keep(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    page.on("console", keep)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints
