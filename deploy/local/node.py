"""What Redis and Sentinel have in common as processes: files, an address, users, commands."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from redis import BusyLoadingError

from deploy.local.commands import ANSWER, UNANSWERED, command
from deploy.local.ports import LOOPBACK, Port
from deploy.local.process import Process
from deploy.local.proxy import Door
from deploy.local.templates import fill

# Seconds. Loading its disk takes a node as long as that is big.
START: Final = 10.0
ANYBODY: Final = "user default on nopass ~* &* +@all"


@dataclass(frozen=True, repr=False)
class Passwords:
    """Made up anew for each cluster; never in an argument list, an error or a `repr`."""

    replica: str
    sentinel: str
    chat: str
    monitor: str
    admin: str

    @classmethod
    def make_up(cls) -> "Passwords":
        return cls(**{field.name: secrets.token_urlsafe(24) for field in fields(cls)})

    def values(self) -> dict[str, str]:
        """Return them under their names in the templates."""
        return {
            f"{field.name.upper()}_PASSWORD": getattr(self, field.name) for field in fields(self)
        }


@dataclass(frozen=True)
class Plan:
    """What the nodes of one cluster share."""

    directory: Path
    group: int  # of a Reaper
    passwords: Passwords
    anonymous: bool  # whoever does not log in may do everything
    chat_sentinel_rights: str
    certificates: Path | None  # a TLS_DIR (tls.conf)

    @property
    def authorities(self) -> Path | None:
        """Whom clients trust, where TLS is spoken."""
        return self.certificates and self.certificates / "authorities.pem"


class Node:
    """One Redis or Sentinel process that can die and come back at the same address."""

    def __init__(self, name: str, plan: Plan, port: Port, door: Door | None) -> None:
        self.name = name
        self.plan = plan
        self.port = port.number
        self.door = door
        self.directory = plan.directory / name
        self.directory.mkdir(mode=0o700)
        self.process = Process(name, self.arguments(), directory=plan.directory, group=plan.group)

    @property
    def announced(self) -> int:
        """The port at which others reach it: its own, or that of the door in front of it."""
        return self.door.port if self.door else self.port

    def arguments(self) -> Sequence[str]:
        raise NotImplementedError

    async def start(self) -> None:
        """Start it with the files it has; returns when it answers."""
        self.process.start()
        await self.process.ready(self.answers, START)
        if self.door:
            await self.door.open()

    async def kill(self) -> None:
        """End it by SIGKILL; from then on its address refuses connections."""
        await self.process.kill()
        if self.door:
            await self.door.shut()

    async def answers(self) -> bool:
        """Say whether it takes connections and commands, though it may still be loading."""
        try:
            await self.command("PING")
        except BusyLoadingError:
            return True
        except UNANSWERED:
            return False
        return True

    async def command(self, *words: str | int, deadline: float = ANSWER) -> Any:
        """Carry out one command as the operator, around every proxy; `commands.command`."""
        login = ("admin", self.plan.passwords.admin)
        return await command(
            self.port, login, *words, deadline=deadline, authorities=self.plan.authorities
        )

    def values(self) -> dict[str, object]:
        """Return what stands for the ${NAMES} of each template."""
        return {
            **self.plan.passwords.values(),
            "NODE_HOST": LOOPBACK,
            "NODE_PORT": self.announced,
            "MASTER_HOST": LOOPBACK,
            "DATA_DIR": self.directory,
            "CHAT_SENTINEL_RIGHTS": self.plan.chat_sentinel_rights,
            "MAXMEMORY": "256mb",
        }

    def listening(self) -> str:
        """Return where it listens, by TLS if the plan has certificates."""
        text = f"bind {LOOPBACK}\nport {self.port}\n"
        if self.plan.certificates:
            values = {"NODE_PORT": self.port, "TLS_DIR": self.plan.certificates}
            text += fill("tls.conf", values)
        return text

    def users(self, template: str) -> str:
        """Return the users of one template, nameless ones with all rights if the plan says so."""
        text = fill(template, self.values())
        return text.replace("user default off", ANYBODY) if self.plan.anonymous else text
