"""One connection's rules: which command is allowed when, how often, and what time brings."""

from enum import Enum, auto
from typing import Final

import msgspec

from chat import closes
from chat.claims import LEEWAY_S, Claims
from chat.closes import Close
from chat.commands import COMMANDS, AnyCommand, Auth, Join, Ping, Pong, Publish, Typing
from chat.errors import Refusal
from chat.frames import Frame, Notice, ServerPing
from chat.limits import MINUTE_S, Limits, Pace
from chat.rate import Window, ceil_ms


class Stage(Enum):
    """How far a connection has come."""

    GREETED = auto()
    WELCOMED = auto()


ALLOWED: Final[dict[Stage, frozenset[type[AnyCommand]]]] = {
    Stage.GREETED: frozenset({Auth, Ping, Pong}),
    Stage.WELCOMED: frozenset(COMMANDS),
}


class Timing(msgspec.Struct, frozen=True):
    """When time alone makes something happen; seconds."""

    auth_s: float = 10
    idle_s: float = 300
    probe: float = 0.8  # of idle_s: leaves a fifth of it for the answer to the ping
    expiring_s: float = 60


class Session:
    """The state of one connection; pure: `now` is seconds of one monotonic clock."""

    __slots__ = (
        "_expiry",
        "_frames",
        "_heard",
        "_limits",
        "_malformed",
        "_pace",
        "_probed",
        "_refusals",
        "_since",
        "_timing",
        "_typed",
        "_warned",
        "_warning",
        "claims",
        "due",
        "rooms",
    )

    def __init__(self, limits: Limits, pace: Pace, timing: Timing, now: float) -> None:
        self._limits, self._pace, self._timing = limits, pace, timing
        self._frames = Window(pace.frames, MINUTE_S)
        self._malformed = Window(pace.malformed, MINUTE_S)
        self._refusals = Window(pace.refusals, MINUTE_S)
        self._typed: dict[str, float] = {}
        self._since = self._heard = now
        self._expiry = self._warning = float("inf")
        self._probed = self._warned = False
        self.due = now  # before it, time brings nothing
        self.claims: Claims | None = None
        self.rooms: set[str] = set()

    @property
    def stage(self) -> Stage:
        """Where in `ALLOWED` this connection stands."""
        return Stage.GREETED if self.claims is None else Stage.WELCOMED

    @property
    def signed_in(self) -> Claims:
        """The claims; raises `unauthorized` before `welcome`."""
        if self.claims is None:
            raise Refusal("unauthorized", "auth first")
        return self.claims

    def welcome(self, claims: Claims, now: float, wall: float) -> None:
        """Take the claims of a verified token; a refresh keeps the user.

        The expiry is moved to the monotonic clock: a jump of the wall clock closes nobody.
        """
        if self.claims is not None and self.claims.sub != claims.sub:
            raise Refusal("user_mismatch", "a refresh keeps the same sub")
        self.claims = claims
        left = claims.exp - wall
        self._expiry = now + left
        # A short token is told of at half its time: else its successor would be at once.
        self._warning = self._expiry - min(self._timing.expiring_s, left / 2)
        self._warned = False
        self.due = now

    def heard(self, now: float) -> None:
        """Note a text message of the client: that is what counts against idleness."""
        self._heard = now
        if self._probed:
            self._probed = False
            self.due = now

    def admit(self, command: AnyCommand, now: float) -> None:
        """Raise a `Refusal` unless the command is allowed now.

        A publish is not counted here: the log counts those, per user over all nodes, and
        `in_vain` those that it does not.
        """
        if type(command) is Publish and self.claims is not None:
            return
        allowed = type(command) in ALLOWED[self.stage]
        wait = self._frames.spend(now)
        if wait:
            raise Refusal("rate_limited", f"{self._pace.frames} per 60 s", retry_ms=ceil_ms(wait))
        if not allowed:
            raise Refusal("unauthorized", "auth first")
        if isinstance(command, Join):
            self._admit_join(command)

    def _admit_join(self, join: Join) -> None:
        self.signed_in.require(join.room, "r")
        if join.history > self._limits.history:
            raise Refusal("bad_request", f"at most {self._limits.history}", field="history")
        if join.room not in self.rooms and len(self.rooms) >= self._limits.rooms:
            raise Refusal("limit_exceeded", f"{self._limits.rooms} rooms per connection")

    def admit_typing(self, typing: Typing, now: float) -> None:
        """Raise unless joined, permitted to write, and not signalled a moment ago."""
        self.require_joined(typing.room)
        self.signed_in.require(typing.room, "w")
        wait = self._typed.get(typing.room, -self._pace.typing_s) + self._pace.typing_s - now
        # Falling silent is told at once: a late "stops typing" is worse than a frame more.
        if wait > 0 and typing.on:
            detail = f"one per {self._pace.typing_s:g} s"
            raise Refusal("rate_limited", detail, retry_ms=ceil_ms(wait))
        self._typed[typing.room] = now

    def require_joined(self, room: str) -> None:
        """Raise `not_joined` unless the connection is in the room, or on its way into it."""
        if room not in self.rooms:
            raise Refusal("not_joined", "join the room first")

    def forget(self, room: str) -> None:
        """The connection left the room."""
        self.rooms.discard(room)
        self._typed.pop(room, None)

    def fault(self, now: float) -> Close | None:
        """Count a malformed frame; the tenth in a minute ends the connection."""
        self._malformed.spend(now)
        return closes.PROTOCOL_ERROR if self._malformed.wait(now) else None

    def in_vain(self, now: float) -> Close | None:
        """Count a frame that nothing else counts; a flood of them is a flood.

        Of a type not known here, or a publish that was refused before the log saw it, or that
        the log had already.
        """
        if not self._frames.spend(now):
            return None
        self._refusals.spend(now)
        return closes.RATE_LIMITED if self._refusals.wait(now) else None

    def refused(self, refusal: Refusal, now: float, *, silent: bool = False) -> Close | None:
        """Count a refusal of a flood; who goes on regardless is closed.

        Who is not told of it may not know: that counts only beyond the pace of all frames.
        """
        if refusal.code != "rate_limited" or (silent and not self._frames.wait(now)):
            return None
        self._refusals.spend(now)
        return closes.RATE_LIMITED if self._refusals.wait(now) else None

    def tick(self, now: float) -> Frame | Close | None:
        """Return what time has brought: a frame, a close, or nothing. Call when it is `due`."""
        brought = self._brought(now)
        self.due = self._next()
        return brought

    def _next(self) -> float:
        """Return when time brings something, if nothing is heard until then."""
        timing = self._timing
        if self.claims is None:
            return self._since + timing.auth_s
        idle = timing.idle_s if self._probed else timing.idle_s * timing.probe
        expiry = self._expiry + LEEWAY_S if self._warned else self._warning
        return min(self._heard + idle, expiry)

    def _brought(self, now: float) -> Frame | Close | None:
        timing = self._timing
        if self.claims is None:
            return closes.AUTH_TIMEOUT if now - self._since >= timing.auth_s else None
        if now >= self._expiry + LEEWAY_S:
            return closes.TOKEN_EXPIRED
        if now - self._heard >= timing.idle_s:
            return closes.IDLE_TIMEOUT
        if not self._warned and now >= self._warning:
            self._warned = True
            return Notice(code="token_expiring")
        if not self._probed and now - self._heard >= timing.idle_s * timing.probe:
            self._probed = True
            return ServerPing()
        return None
