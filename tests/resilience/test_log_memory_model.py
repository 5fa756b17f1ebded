"""The log in memory against a model: lists that are never trimmed, and a plain reading of rules."""

import asyncio
from collections import defaultdict
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from chat.errors import Refusal
from chat.log import Draft, Receipt
from resilience.log_memory import MemoryLog
from resilience.options import EngineOptions
from tests.resilience.recorder import Recorder, draft

HISTORY, DEDUP_S, LIMIT, WINDOW_S = 4, 15, 3, 10
ROOMS = st.sampled_from(["den", "lounge"])
# Few of everything, so that keys meet again and rates are exhausted.
DRAFTS = st.builds(
    draft,
    st.sampled_from(["one", "two"]),
    room=ROOMS,
    user=st.sampled_from(["ann", "bo"]),
    cid=st.sampled_from(["j", "k", "l", "m"]),
)
BOUNDS = st.one_of(st.none(), st.integers(0, 12))

Outcome = tuple[str, int, bool]  # refusal code or "", place, duplicate


class Known(NamedTuple):
    at: int
    seq: int
    digest: bytes


class Model:
    """What ought to be; times are whole seconds."""

    def __init__(self) -> None:
        self.now = 0
        self.payloads: dict[str, list[bytes]] = defaultdict(list)
        self.known: dict[tuple[str, str, str], Known] = {}
        self.spent: dict[str, list[int]] = defaultdict(list)

    def append(self, said: Draft) -> Outcome:
        key = (said.room, said.user, said.cid)
        known = self.known.get(key)
        if known is not None and self.now < known.at + DEDUP_S:
            return ("", known.seq, True) if known.digest == said.digest else ("conflict", 0, False)
        if sum(at > self.now - WINDOW_S for at in self.spent[said.user]) == LIMIT:
            return ("rate_limited", 0, False)
        self.spent[said.user].append(self.now)
        seq = len(self.payloads[said.room]) + 1
        self.payloads[said.room].append(said.payload(seq, self.now * 1000))
        self.known[key] = Known(self.now, seq, said.digest)
        return ("", seq, False)

    def read(self, room: str, after: int | None, before: int | None, limit: int) -> list[bytes]:
        numbered = list(enumerate(self.payloads[room], 1))[-HISTORY:]
        if after is not None:
            return [payload for seq, payload in numbered if seq > after][:limit]
        below = [payload for seq, payload in numbered if before is None or seq < before]
        return below[max(0, len(below) - limit) :]


def outcome(answer: Receipt | BaseException) -> Outcome:
    if isinstance(answer, Refusal):
        return (answer.code, 0, False)
    assert isinstance(answer, Receipt)
    return ("", answer.seq, answer.dup)


class LogMachine(RuleBasedStateMachine):
    """Bursts, pauses, reads and followers in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.heard = Recorder()
        self.expected: dict[str, list[bytes]] = defaultdict(list)
        self.runner = asyncio.Runner(debug=True)
        self.log = self.runner.run(self.open())

    async def open(self) -> MemoryLog:
        options = EngineOptions(publish=(LIMIT, WINDOW_S), history=HISTORY, dedup_s=DEDUP_S)
        return MemoryLog(
            self.heard,
            options,
            epoch="e",
            clock=lambda: self.model.now,
            wall=lambda: self.model.now * 1000,
        )

    def teardown(self) -> None:
        self.runner.close()

    @rule(drafts=st.lists(DRAFTS, min_size=1, max_size=6))
    def append(self, drafts: list[Draft]) -> None:
        """Append in one turn; each outcome is the model's."""
        before = {room: len(payloads) for room, payloads in self.model.payloads.items()}
        expected = [self.model.append(said) for said in drafts]
        assert [outcome(answer) for answer in self.runner.run(self.burst(drafts))] == expected
        for room in self.log.followed:
            self.expected[room] += self.model.payloads[room][before.get(room, 0) :]

    async def burst(self, drafts: list[Draft]) -> list[Receipt | BaseException]:
        return list(await asyncio.gather(*map(self.log.append, drafts), return_exceptions=True))

    @rule(seconds=st.integers(1, DEDUP_S))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.model.now += seconds

    @rule(room=ROOMS, after=BOUNDS, before=BOUNDS, limit=st.integers(0, 6))
    def read(self, room: str, after: int | None, before: int | None, limit: int) -> None:
        """Read from one side; the page is the model's."""
        before = None if after is not None else before
        page = self.runner.run(self.log.read(room, after=after, before=before, limit=limit))
        head = len(self.model.payloads[room])
        assert (page.epoch, page.head, page.tail) == ("e", head, max(1, head - HISTORY + 1))
        assert [event.payload for event in page.events] == self.model.read(
            room, after, before, limit
        )

    @rule(room=ROOMS)
    def follow(self, room: str) -> None:
        """Follow, again or anew; the stream goes on above the head."""
        position = self.runner.run(self.log.follow(room))
        assert (position.epoch, position.seq) == ("e", len(self.model.payloads[room]))

    @rule(room=ROOMS)
    def unfollow(self, room: str) -> None:
        """Follow no more."""
        self.log.unfollow(room)

    @invariant()
    def heard_what_was_followed(self) -> None:
        """The listener heard what was committed while it followed, in order, once."""
        for room in ("den", "lounge"):
            payloads = [event.payload for event in self.heard.events(room)]
            assert payloads == self.expected[room]

    @invariant()
    def memory_is_bounded(self) -> None:
        """No more keys or users are kept than there can be."""
        statistics = self.log.statistics()
        assert statistics["events"] <= 2 * HISTORY
        assert statistics["keys"] <= 2 * 2 * 4
        assert statistics["users"] <= 2


def test_the_log_does_what_the_model_does() -> None:
    """Whatever is done in whatever order, the log answers, shows and tells what the model does."""
    chosen = settings(max_examples=60, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(LogMachine, settings=chosen)
