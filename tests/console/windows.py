"""Windows of the console: a signed-in page, what it complains of, and what a person does there."""

from collections.abc import Callable, Coroutine
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.browsing import complaints_of


class Window:
    """One page of the console; `complaints` fills with errors, warnings and CSP violations."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints = complaints_of(page)

    async def visit(self) -> None:
        """Open the page."""
        await self.page.goto(self.url)

    async def sign_in(self, user: str) -> None:
        """Be somebody, by the click of a development server."""
        await self.page.fill("#as-user input", user)
        await self.page.click("#as-user button")
        await expect(self.state).to_have_text("online")

    async def paste(self, token: str) -> None:
        """Sign in with a token."""
        await self.page.fill("#token", token)
        await self.page.click("#with-token button")

    async def join(self, room: str = "general") -> None:
        """Join a room, and wait until it is there."""
        await self.page.fill("#join input", room)
        await self.page.click("#join button")
        await expect(self.room(room).locator(".people summary")).to_contain_text("here")

    async def say(self, text: str, room: str = "general") -> None:
        """Write a message and press Enter."""
        await self.room(room).locator("textarea").fill(text)
        await self.room(room).locator("textarea").press("Enter")

    async def show(self, view: str) -> None:
        """Go to another view."""
        await self.page.click(f'#views a[href="#{view}"]')
        await expect(self.page.locator(f"#{view}")).to_be_visible()

    def room(self, name: str = "general") -> Locator:
        """Return a room's panel."""
        return self.page.locator(f'.room[data-room="{name}"]')

    def messages(self, room: str = "general") -> Locator:
        """Return the lines of a room."""
        return self.room(room).locator(".message")

    async def texts(self, room: str = "general") -> list[str]:
        """Return what is said in a room, as shown."""
        return await self.room(room).locator(".message .body").all_text_contents()

    @property
    def state(self) -> Locator:
        """The state of the connection, as shown."""
        return self.page.locator("#state")


Open = Callable[..., Coroutine[Any, Any, Window]]


async def window(browser: Browser, port: int, **context: Any) -> Window:
    """Open the console of the server at that port in a browser context of its own."""
    page = await (await browser.new_context(**context)).new_page()
    opened = Window(page, f"http://localhost:{port}/console")
    await opened.visit()
    return opened
