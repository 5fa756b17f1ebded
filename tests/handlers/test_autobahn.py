"""What the Autobahn suite asks of a server, at the real route: framing, fragments, closing."""

import asyncio

import pytest

from tests.chatting import Served
from tests.conftest import Serve
from tests.handlers import autobahn
from tests.handlers.autobahn import Case
from tests.handlers.autobahn_utf8 import texts
from tests.handlers.conftest import complaints
from tests.handlers.framing import TEXT, command, frame, spoken

CASES = autobahn.by_chapter(
    autobahn.framing(),
    autobahn.pings(),
    autobahn.reserved(),
    autobahn.fragmentation(),
    texts(),
    autobahn.closing(),
    autobahn.automatic(),
)
CHAPTERS = sorted({case.chapter for case in CASES}, key=lambda name: [*map(int, name.split("."))])


async def hold(served: Served, case: Case) -> None:
    """Carry a case out on a connection of its own."""
    async with spoken(served) as wire:
        hearing = asyncio.create_task(wire.hear(None if case.close else "fence"))
        await wire.send(case.sent, octets=case.octets)
        if not case.close:
            await wire.send([frame(TEXT, command(name="fence"))])
        heard = await hearing
    said = (heard.closes, heard.pongs, heard.answered, heard.ended)
    expected = ["a"] * case.answers + ([] if case.close else ["fence"])
    closes = [case.close] if case.close else []
    assert said == (closes, list(case.pongs), expected, bool(case.close)), case.number


def test_all_cases_are_there() -> None:
    """The suite has 247 cases in these chapters, each once."""
    assert len({case.number for case in CASES}) == len(CASES) == 247


@pytest.mark.parametrize("chapter", CHAPTERS)
async def test_chapter(serve: Serve, caplog: pytest.LogCaptureFixture, chapter: str) -> None:
    """Each case is answered as RFC 6455 wants, by one close at most, and no complaint is logged."""
    served = await serve()
    for case in CASES:
        if case.chapter == chapter:
            await hold(served, case)
    assert complaints(caplog) == []
    async with spoken(served, "bo") as wire:
        await wire.send([frame(TEXT, command(name="alive"))])
        assert (await wire.hear("alive")).answered == ["alive"]
