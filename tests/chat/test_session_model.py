"""A session against a model of its state table, its windows and its clocks."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from chat import closes
from chat.claims import LEEWAY_S, Claims
from chat.closes import Close
from chat.commands import AnyCommand, Auth, Join, Leave, Ping, Pong, Publish, Typing
from chat.errors import Refusal
from chat.frames import Notice, ServerPing
from chat.limits import Limits, Pace
from chat.session import Session, Timing
from tests.examples import often

LIMITS, PACE = Limits(rooms=2), Pace(frames=6, malformed=3, refusals=3)
TIMING = Timing(auth_s=10, idle_s=100, expiring_s=30)
COMMANDS = st.sampled_from(
    [Auth(token="t"), Ping(), Pong(), Publish(room="a"), Leave(room="a")]
    + [Join(room=room) for room in ("a", "b", "c", "closed")]
)


class Talk(RuleBasedStateMachine):
    """Any commands at any times, each answer foretold from lists of what was before."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.session = Session(LIMITS, PACE, TIMING, self.now)
        self.begin = self.heard = self.now
        self.user: str | None = None
        self.expiry = self.warning = 0.0
        self.probed = self.warned = False
        self.frames: list[float] = []
        self.malformed: list[float] = []
        self.refusals: list[float] = []
        self.typed: dict[str, float] = {}

    def recent(self, times: list[float]) -> int:
        return sum(self.now - at < 60 for at in times)

    def answer(self, command: AnyCommand) -> str | None:
        try:
            self.session.admit(command, self.now)
            if isinstance(command, Typing):
                self.session.admit_typing(command, self.now)
        except Refusal as refusal:
            return refusal.code
        return None

    @rule(seconds=st.integers(1, 240).map(lambda quarters: quarters / 4))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(command=COMMANDS)
    def say(self, command: AnyCommand) -> None:
        assert self.answer(command) == self.foretell(command)

    def foretell(self, command: AnyCommand) -> str | None:
        early = self.user is None and not isinstance(command, Auth | Ping | Pong)
        if isinstance(command, Publish) and not early:
            return None
        if self.recent(self.frames) >= PACE.frames:
            return "rate_limited"
        self.frames.append(self.now)
        if early:
            return "unauthorized"
        if isinstance(command, Join):
            return self.foretell_join(command.room)
        return None

    def foretell_join(self, room: str) -> str | None:
        if room == "closed":
            return "forbidden"
        rooms = self.session.rooms
        if room not in rooms and len(rooms) >= LIMITS.rooms:
            return "limit_exceeded"
        rooms.add(room)
        return None

    @rule(room=st.sampled_from(["a", "b"]), on=st.booleans())
    def type_in(self, room: str, *, on: bool) -> None:
        command = Typing(room=room, on=on)
        foretold = self.foretell(command)
        if foretold is None:
            foretold = self.foretell_typing(command)
        assert self.answer(command) == foretold

    def foretell_typing(self, command: Typing) -> str | None:
        if command.room not in self.session.rooms:
            return "not_joined"
        if command.on and self.now - self.typed.get(command.room, 0) < PACE.typing_s:
            return "rate_limited"
        self.typed[command.room] = self.now
        return None

    @rule(room=st.sampled_from(["a", "b"]))
    def leave(self, room: str) -> None:
        self.session.forget(room)
        self.typed.pop(room, None)
        assert room not in self.session.rooms

    @rule(user=st.sampled_from(["ann", "ann", "bo"]), life=st.integers(-5, 120))
    def sign_in(self, user: str, life: int) -> None:
        claims = Claims(sub=user, exp=5000 + life, rooms={"*": "rw", "closed": ""})
        if self.user in {None, user}:
            self.session.welcome(claims, self.now, 5000.0)
            self.user, self.expiry, self.warned = user, self.now + life, False
            self.warning = self.expiry - min(30, life / 2)
            return
        with pytest.raises(Refusal, match="user_mismatch"):
            self.session.welcome(claims, self.now, 5000.0)

    @rule()
    def hear(self) -> None:
        self.session.heard(self.now)
        self.heard, self.probed = self.now, False

    @rule()
    def send_nonsense(self) -> None:
        close = self.session.fault(self.now)
        full = self.recent(self.malformed) >= PACE.malformed
        if not full:
            self.malformed.append(self.now)
        assert bool(close) == (self.recent(self.malformed) >= PACE.malformed)
        assert close in {None, closes.PROTOCOL_ERROR}

    @rule(code=st.sampled_from(["rate_limited", "forbidden"]))
    def be_refused(self, code: str) -> None:
        close = self.session.refused(Refusal(code, retry_ms=1), self.now)
        if code == "rate_limited" and self.recent(self.refusals) < PACE.refusals:
            self.refusals.append(self.now)
        full = code == "rate_limited" and self.recent(self.refusals) >= PACE.refusals
        assert close == (closes.RATE_LIMITED if full else None)

    @rule()
    def tick(self) -> None:
        foretold = self.foretell_tick()
        assert foretold is None or self.session.due <= self.now
        assert self.session.tick(self.now) == foretold

    def foretell_tick(self) -> Close | Notice | ServerPing | None:
        silence = self.now - self.heard
        if self.user is None:
            return closes.AUTH_TIMEOUT if self.now - self.begin >= 10 else None
        if self.now - self.expiry >= LEEWAY_S:
            return closes.TOKEN_EXPIRED
        if silence >= 100:
            return closes.IDLE_TIMEOUT
        if self.now >= self.warning and not self.warned:
            self.warned = True
            return Notice(code="token_expiring")
        if silence >= 80 and not self.probed:
            self.probed = True
            return ServerPing()
        return None


@often(3_000)
def test_a_session_does_what_its_table_says(examples: int) -> None:
    """Whatever is said and whenever, each answer and tick is foretold, no tick is due late."""
    how = settings(max_examples=examples, stateful_step_count=50, deadline=None, database=None)
    run_state_machine_as_test(Talk, settings=how)
