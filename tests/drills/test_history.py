"""The recorder's promises: one clock, nothing rewritten, what was written is what is read."""

from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from tests.drills.history import Entry, Invoke, Joined, LogRead, Ok, Place, Recorder, load, parse


def test_time_rises_strictly() -> None:
    """Two records never share a time, though the clock stands still between them."""
    recorder = Recorder(BytesIO(), lambda: 7)
    assert [recorder.add(Ok(attempt=1, seq=1)) for _ in range(3)] == [7, 8, 9]


def test_a_history_survives_its_file(tmp_path: Path) -> None:
    """What was added is what is read, in this order and with the times that were returned."""
    path, ticks = tmp_path / "history.jsonl", iter((10, 20, 30, 40))
    with path.open("ab") as stream:
        recorder = Recorder(stream, lambda: next(ticks))
        attempt = recorder.add(Invoke(room="r", user="u", cid="c", text="Zoë"))
        recorder.add(Ok(attempt=attempt, seq=3, dup=True))
        since = Place("k", 1)
        recorder.add(Joined(began=11, device="d", room="r", epoch="k", head=3, since=since))
        entries = (Entry(1, "u", "c", "Zoë"),)
        recorder.add(LogRead(source="master", room="r", epoch="k", entries=entries))
    assert load(path) == [
        Invoke(t=10, room="r", user="u", cid="c", text="Zoë"),
        Ok(t=20, attempt=10, seq=3, dup=True),
        Joined(t=30, began=11, device="d", room="r", epoch="k", head=3, since=since),
        LogRead(t=40, source="master", room="r", epoch="k", entries=entries),
    ]


@pytest.mark.parametrize("line", [b'{"kind":"ok","t":1,"att', b'{"kind":"else","t":1}\n', b"{}\n"])
def test_a_torn_or_foreign_line_is_an_error(line: bytes) -> None:
    """A line that is not a whole record is refused, never skipped."""
    with pytest.raises(msgspec.DecodeError):
        parse(line)
