"""What one connection's commands do: each is admitted by the session, carried out, answered."""

import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Final

from chat import publishing
from chat.closes import (
    OVERLOADED,
    RATE_LIMITED,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    TOKEN_REVOKED,
    Close,
)
from chat.codec import Fault, Item, decode
from chat.commands import AnyCommand, Auth, Join, Leave, Ping, Pong, Publish, Typing
from chat.errors import Refusal, Revoked, Unavailable
from chat.frames import Ack, Error, ServerPong
from chat.limits import HELD_PER_CONNECTION
from chat.log import Draft, Receipt
from handlers.attendance import Attendance
from handlers.joining import Joining
from handlers.node import Node
from handlers.peer import Peer, wall_ms
from handlers.problems import incident
from handlers.tracing import PublishTrace, answered
from handlers.wire import ARRAY, SINGLE

# A token that could not be looked at may be good: its client comes back with it.
_VERDICTS: Final = {
    "token_expired": TOKEN_EXPIRED,
    "unavailable": OVERLOADED,
    "rate_limited": RATE_LIMITED,
}
Further = Coroutine[Any, Any, None]


SCOPES: Final = frozenset({"publish", "typing"})  # with a rate of their own


class Connection:
    """The commands of one connection."""

    __slots__ = ("_attendance", "_held", "_node", "_peer")

    def __init__(self, node: Node, peer: Peer) -> None:
        self._node = node
        self._peer = peer
        self._attendance = Attendance(
            peer,
            Joining(node.engine, node.hub, peer, node.statistics, node.options.hold_s),
            node.engine.signals,
            self.refuse,
            moved=partial(node.register, peer),
        )
        self._held = 0

    def hear(self, payload: bytes) -> Further | None:
        """Take one text message: every frame in it is answered for, none harms the next.

        Returns what is still to be done before the next message, if signing in takes its time.
        """
        now = self._node.now()
        self._peer.session.heard(now)
        return self._go_on(decode(payload, self._node.limits.batch), now)

    def _go_on(self, items: Iterator[Item], now: float) -> Further | None:
        for item in items:
            if isinstance(item, Fault):
                self._answer_fault(item, now)
            elif isinstance(item, Auth):
                return self._sign_in(item, items, now)
            else:
                self._attempt(item, now)
            if self._peer.outbox.closed is not None:
                break
        return None

    async def _sign_in(self, auth: Auth, rest: Iterator[Item], now: float) -> None:
        await self.attempt_auth(auth, now)
        further = None if self._peer.outbox.closed is not None else self._go_on(rest, now)
        if further is not None:
            await further

    async def close(self) -> None:
        """Leave the rooms; what was published and not yet acked is still being appended."""
        await self._attendance.close()

    def _attempt(self, command: AnyCommand, now: float) -> None:
        try:
            self._peer.session.admit(command, now)
            _CARRY_OUT[type(command)](self, command)
        except Exception as error:  # noqa: BLE001 - the one place where a command's failure ends
            self.refuse(command, error)
            if isinstance(command, Publish):
                self._count_in_vain(now)

    async def attempt_auth(self, auth: Auth, now: float) -> None:
        try:
            self._peer.session.admit(auth, now)
            await self.authenticate(auth)
        except Exception as error:  # noqa: BLE001 - as above
            self.refuse(auth, error)
            if self._peer.session.claims is None and isinstance(error, Refusal):
                self._peer.outbox.close(_verdict(error), retry_ms=self._peer.retry_ms(error))

    async def authenticate(self, auth: Auth) -> None:
        """Sign in, or refresh the token of one who is."""
        claims = await self._node.verify(auth.token)
        first = self._peer.session.claims is None
        self._peer.session.welcome(claims, self._node.now(), time.time())
        if not first:
            self._attendance.expel()
            self._peer.send(Ack(id=auth.id, exp=claims.exp))
            return
        self._peer.outbox.wire = ARRAY if auth.batch else SINGLE
        self._peer.client = auth.client
        self._peer.send(self._node.welcome(self._peer, claims, auth.id))

    def _publish(self, command: Publish) -> None:
        if self._held >= HELD_PER_CONNECTION:
            raise Unavailable("too many publishes wait for their ack")
        draft = publishing.draft(
            self._peer.session.signed_in,
            command.room,
            command.cid,
            command,
            self._node.limits,
        )
        tracing = self._node.tracing
        trace = None if tracing is None else tracing.publish(command.traceparent)
        if trace is not None:
            draft = draft.traced(trace)
        self._held += 1
        answer = partial(self._settle, command, draft, self._node.now(), trace)
        self._node.engine.log.submit(draft, answer)

    def _settle(
        self,
        command: Publish,
        draft: Draft,
        since: float,
        trace: PublishTrace | None,
        outcome: Receipt | Exception,
    ) -> None:
        self._held -= 1
        node = self._node
        seconds = node.now() - since
        answered(
            node.tracing, node.statistics, trace, outcome, command.traceparent, seconds=seconds
        )
        if trace is not None:
            node.tick.tell(trace)
        if not isinstance(outcome, Receipt):
            self.refuse(command, outcome)
            if isinstance(outcome, Refusal) and outcome.code == "conflict":
                self._count_in_vain(self._node.now())
            return
        ack = Ack(
            id=command.id,
            cid=draft.cid,
            room=draft.room,
            ref=outcome.seq,
            ts=outcome.ts,
            dup=outcome.dup,
        )
        self._peer.send(ack)
        if outcome.dup:
            self._count_in_vain(self._node.now())

    def _count_in_vain(self, now: float) -> None:
        self._close_for(self._peer.session.in_vain(now))

    def _close_for(self, close: Close | None) -> None:
        """Close who went too far, if a count has told so."""
        if close is not None:
            self._peer.outbox.close(close)

    def _move(self, command: Join | Leave) -> None:
        self._attendance.submit(command)

    def _type(self, command: Typing) -> None:
        self._peer.session.admit_typing(command, self._node.now())
        self._attendance.submit(command)

    def _pong(self, command: Ping) -> None:
        self._peer.send(ServerPong(id=command.id, ts=wall_ms()))

    def _note(self, command: Pong) -> None:
        """That something came is noted of every message."""

    def _answer_fault(self, fault: Fault, now: float) -> None:
        refusal = fault.refusal
        self._node.statistics.errors["malformed", refusal.code] += 1
        self._peer.send(
            Error(
                id=fault.id,
                cid=fault.cid,
                room=fault.room,
                code=refusal.code,
                detail=refusal.detail,
                field=refusal.field,
            )
        )
        session = self._peer.session
        if fault.auth and session.claims is None:  # as any first token that is refused
            self._peer.outbox.close(TOKEN_INVALID)
        unknown = refusal.code == "unknown_type"
        self._close_for(session.in_vain(now) if unknown else session.fault(now))

    def refuse(self, command: AnyCommand, error: BaseException) -> None:
        """Answer a command that failed; what is no refusal is our mistake: an incident."""
        refusal = error if isinstance(error, Refusal) else incident(error, type(command).__name__)
        operation = type(command).__name__.lower()
        self._node.statistics.errors[operation, refusal.code] += 1
        if refusal.code == "rate_limited":
            scope = operation if operation in SCOPES else "frames"
            self._node.statistics.rejections[scope] += 1
        # A signal too many is nothing that a client could mend.
        unasked = isinstance(command, Typing) and command.id is None
        silent = unasked and refusal.code == "rate_limited"
        if not silent:
            self._tell(command, refusal)
        self._close_for(self._peer.session.refused(refusal, self._node.now(), silent=silent))

    def _tell(self, command: AnyCommand, refusal: Refusal) -> None:
        self._peer.send(
            Error(
                id=command.id,
                cid=getattr(command, "cid", None),
                room=getattr(command, "room", None),
                code=refusal.code,
                detail=refusal.detail,
                field=refusal.field,
                retry_ms=self._peer.retry_ms(refusal),
            )
        )


_CARRY_OUT: Final[dict[type[AnyCommand], Callable[[Connection, Any], None]]] = {
    Join: Connection._move,  # noqa: SLF001 - a method table of the class above
    Leave: Connection._move,  # noqa: SLF001
    Typing: Connection._type,  # noqa: SLF001
    Publish: Connection._publish,  # noqa: SLF001
    Ping: Connection._pong,  # noqa: SLF001
    Pong: Connection._note,  # noqa: SLF001
}


def _verdict(refusal: Refusal) -> Close:
    """Return how a connection ends whose first token was refused."""
    if isinstance(refusal, Revoked):
        return TOKEN_REVOKED
    return _VERDICTS.get(refusal.code, TOKEN_INVALID)
