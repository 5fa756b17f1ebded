"""The command line: run the chat, mint a token, check the settings."""

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chat.errors import Refusal
from handlers.node import NODE
from server import logs
from server.app import build_app, own_origins
from server.environment import ConfigurationError
from server.files import allow_files
from server.life import CannotListen, serve
from server.settings import Settings, load
from server.tokens import DEV_LIFETIME_S, mint, mint_for_developer

CANNOT_LISTEN = 1
BAD_SETTINGS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command; 0; 1: a port can't be opened; 2: settings or arguments are wrong."""
    options = _parser().parse_args(arguments)
    try:
        # A token of a secret that is made up for it is accepted by nobody.
        made_up = options.dev and options.command is not token
        settings = load(_environment(dev=made_up, offline=options.offline))
        return int(options.command(settings, options))
    except ConfigurationError as error:
        print("These settings are wrong:", *error.mistakes, sep="\n  ", file=sys.stderr)
        return BAD_SETTINGS


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    readable = options.dev and sys.stdout.isatty()
    logs.configure(settings.log_level, readable=readable, secrets=settings.secrets)
    allow_files(settings.websocket_max_connections)
    app = build_app(settings, dev=options.dev)

    def announce(port: int) -> None:
        if options.dev:
            app[NODE].own_origins = own_origins(port)
            _greet_developer(settings, port)

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(app, settings, announce))
    except CannotListen as error:
        print(error, file=sys.stderr)
        return CANNOT_LISTEN
    return 0


def token(settings: Settings, options: argparse.Namespace) -> int:
    """Print a token."""
    if not settings.shared_algorithm:
        print("JWT_SECRET: required to make tokens that are accepted", file=sys.stderr)
        return BAD_SETTINGS
    try:
        print(
            mint(
                settings.jwt_secret,
                options.user,
                dict(_room(text) for text in options.room),
                audience=settings.jwt_audience,
                algorithm=settings.shared_algorithm,
                issuer=settings.jwt_issuer,
                name=options.name,
                scope=" ".join(options.scope),
                lifetime_s=options.lifetime,
            )
        )
    except (Refusal, ValueError):
        print(
            "a user is a-z A-Z 0-9 _ . @ -, a room is NAME=rwm (or a*=r), "
            "a lifetime is at most 86400 seconds",
            file=sys.stderr,
        )
        return BAD_SETTINGS
    return 0


def check(_settings: Settings, _options: argparse.Namespace) -> int:
    """Say that the settings are right; had they not been, the mistakes would be listed."""
    print("settings: ok")
    return 0


def _room(text: str) -> tuple[str, str]:
    room, _, letters = text.rpartition("=")
    if not room:
        raise ValueError(text)
    return room, letters


def _environment(*, dev: bool, offline: bool) -> Mapping[str, str]:
    """Return the environment; development fills in what it can make up on the spot."""
    made_up = {"REDIS_URL": "memory://"} if dev or offline else {}
    if dev:
        made_up |= {"JWT_SECRET": secrets.token_urlsafe(48), "DRAIN_SECONDS": "1"}
    given = {name: value for name, value in os.environ.items() if value}
    by_file = {name.removesuffix("_FILE") for name in given if name.endswith("_FILE")}
    return {name: made_up[name] for name in made_up.keys() - by_file} | given


def _greet_developer(settings: Settings, port: int) -> None:
    print(f"\n  console  http://localhost:{port}/console\n  socket   ws://localhost:{port}/ws\n")
    for user in ("ann", "bo") if settings.shared_algorithm else ():
        print(f"  token of {user}:\n  {mint_for_developer(settings, user)}\n", flush=True)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's, where there is one: a third less CPU per message."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server", description="Holdfast, a chat server")
    parser.add_argument("--dev", action="store_true", help="in memory, with a secret of its own")
    parser.set_defaults(command=run, offline=False)
    commands: Any = parser.add_subparsers(title="commands")
    minting = commands.add_parser("token", help="print a token for development")
    minting.add_argument("--user", required=True)
    minting.add_argument("--name")
    minting.add_argument("--room", action="append", default=[], metavar="NAME=rwm")
    minting.add_argument("--scope", action="append", default=[])
    minting.add_argument("--lifetime", type=int, default=DEV_LIFETIME_S, metavar="SECONDS")
    minting.set_defaults(command=token, offline=True)
    checking = commands.add_parser("check", help="read the settings and say what is wrong")
    checking.set_defaults(command=check)
    return parser


if __name__ == "__main__":
    sys.exit(main())
