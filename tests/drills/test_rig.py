"""The rig's own arithmetic: what counts as a silence, as a recovery, as a broken term."""

import os
import subprocess
import sys
import time
from io import BytesIO

import pytest

from tests.drills.history import Fault, Recorder, parse
from tests.drills.rig.fault import Harm
from tests.drills.rig.journal import Ack, Journal
from tests.drills.rig.starvation import Starvation
from tests.drills.rig.terms import Terms
from tests.drills.scenes.slowness import busiest


def journal(*acks: tuple[float, str]) -> Journal:
    """Return a journal with acks so many seconds before now, each sent 10 ms earlier."""
    found = Journal(Recorder(BytesIO(), time.monotonic_ns))
    now = time.monotonic()
    found.acks = [Ack(now - ago - 0.01, now - ago, node, "ann") for ago, node in acks]
    return found


def test_recovery_is_the_end_of_the_longest_silence() -> None:
    """R counts from the fault to the first ack after the longest gap, not to an ack under way."""
    told = journal((5.0, "a"), (4.9, "a"), (2.0, "b"), (0.0, "b"))
    assert told.recovery(time.monotonic() - 5.05) == pytest.approx(3.05, abs=0.02)


def test_a_pause_is_as_long_as_it_is() -> None:
    """A pause is measured from its own begin, however long after the fault it came."""
    told = journal((5.0, "a"), (4.9, "a"), (2.0, "b"), (0.0, "b"))
    assert told.pause(time.monotonic() - 5.05) == pytest.approx(2.9, abs=0.02)


def test_an_endless_silence_is_no_recovery_of_zero() -> None:
    """Where no ack came at all, R is all the time that has passed."""
    assert journal().recovery(time.monotonic() - 7) == pytest.approx(7, abs=0.02)


def test_usual_gaps_are_no_silence() -> None:
    """Gaps of a tenth of a second are how clients behave, and R is 0."""
    told = journal(*((n / 10, "a") for n in range(30, -1, -1)))
    assert told.recovery(time.monotonic() - 3) == 0


def test_acks_of_one_node_sent_after_a_moment() -> None:
    """Who was cut off is judged by what was sent to it after the cut, and by nobody else's acks."""
    told = journal((1.0, "a"), (0.5, "b"), (0.2, "a"))
    cut = time.monotonic() - 1.005
    assert [ack.node for ack in told.answered_late(cut, "a")] == ["a"]
    assert len(told.acks_after(cut)) == 3


def test_terms_are_broken_on_the_wrong_side_of_their_bound() -> None:
    """A bound itself is kept; above `most` and below `least` is broken, and R keeps the worst."""
    terms = Terms()
    terms.most("Q", 15, 15)
    terms.least("acks", 9, 10)
    terms.recovered(2.5, 3)
    terms.recovered(1.5, 1)
    assert [term.what for term in terms.broken] == ["acks", "R"]
    assert terms.recovery == 2.5


def test_a_fault_is_proved_only_when_said() -> None:
    """A fault whose proof was never given has no line that says so, and no proof."""
    stream = BytesIO()
    harm = Harm(Journal(Recorder(stream, time.monotonic_ns)), "F01", 1, loses_history=False)
    harm.healed()
    harm.end()
    steps = [line.step for line in parse(stream.getvalue()) if isinstance(line, Fault)]
    assert (steps, harm.proof) == (["start", "heal", "end"], "")


def test_busiest_window() -> None:
    """The most events in any 60 s are found wherever the window begins."""
    assert busiest([0, 30, 59, 61, 90, 118]) == 4
    assert busiest([]) == 0


def test_only_times_are_stretched() -> None:
    """What the machine took, and patience, excuse a late answer; they excuse no count."""
    terms = Terms(starved=lambda: 0.5, patience=2)
    terms.within("late", 2.5, 1)
    terms.within("too late", 2.6, 1)
    terms.most("acks on the wrong side", 1, 0)
    assert [term.what for term in terms.broken] == ["too late", "acks on the wrong side"]


def test_a_process_that_has_to_wait_is_seen() -> None:
    """Several loops on few processors wait for one another, and that is measured."""
    starvation = Starvation(list)
    began = time.monotonic()
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    while time.monotonic() < began + 0.5:
        pass
    waited = starvation.since(began)
    for one in busy:
        one.kill()
        one.wait()
    assert 0.05 < waited < time.monotonic() - began
