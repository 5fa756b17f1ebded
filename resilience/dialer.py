"""Opening links: connect, log in, choose the database, say who we are; all with one deadline."""

import asyncio
import ssl
from typing import Final

from resilience.address import Address
from resilience.link import (
    Command,
    Link,
    LinkLost,
    LinkRefused,
    LinkTimeout,
    OnPush,
    ReplyError,
    TcpLink,
)
from resilience.url import Credentials

PROBE_S: Final = 0.3  # to connect, or to answer a question about a role, in one data centre


class LoginRefused(LinkLost):
    """The other side does not take our credentials, or denies what we need: somebody's mistake."""


class Dialer:
    """The `Opener` for one kind of server: Redis, or Sentinel."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        name: str,
        database: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._credentials = credentials
        self._tls = tls
        self._greeting: list[Command] = []
        if credentials.password is not None:
            login = (credentials.username, credentials.password)
            self._greeting.append(("AUTH", *(part for part in login if part is not None)))
        if database:
            self._greeting.append(("SELECT", database))
        self._greeting.append(("CLIENT", "SETNAME", name))

    async def open(
        self, address: Address, *, timeout_s: float = PROBE_S, on_push: OnPush | None = None
    ) -> Link:
        """Connect and log in, or raise `LinkLost`, `LinkRefused`, `LinkTimeout`, `LoginRefused`."""
        link = TcpLink(address, on_push)
        try:
            async with asyncio.timeout(timeout_s):
                await self._connect(link)
                self._check(await link.pipeline(self._greeting, timeout_s))
        except BaseException as error:
            link.close("never opened")
            if isinstance(error, TimeoutError) and not isinstance(error, LinkLost):
                raise LinkTimeout("no connection in time") from None
            raise
        return link

    async def _connect(self, link: TcpLink) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(
                lambda: link, link.address.host, link.address.port, ssl=self._tls
            )
        except ConnectionRefusedError:
            raise LinkRefused("connection refused") from None
        except TimeoutError:
            raise
        except (OSError, ValueError, OverflowError) as error:
            # What Sentinel or ROLE names may be neither a host nor a port.
            raise LinkLost(type(error).__name__) from None

    def _check(self, replies: list[object]) -> None:
        """A login that is only offered may fail; a name that can't be set harms nobody."""
        for command, reply in zip(self._greeting, replies, strict=True):
            if not isinstance(reply, ReplyError) or command[0] == "CLIENT":
                continue
            if command[0] == "AUTH" and self._credentials.optional:
                continue
            raise LoginRefused(str(reply).partition(" ")[0])
