"""The price of tracing: its verdict, and that its servers differ in nothing but their sampling."""

import asyncio

import pytest

from bench import trace_price


@pytest.mark.parametrize(("one", "well"), [((101, 103), True), ((104, 106), False)])
def test_the_verdict(one: tuple[float, float], well: bool) -> None:  # noqa: FBT001
    """The median of the ratios to the mean of both without decides, at three per cent."""
    off = {"off": (99.0, 101.0), "off again": (101.0, 99.0)}
    costs = off | {"1 %": one, "100 %": (300.0, 300.0)}
    assert trace_price.judge(costs) is well


@pytest.mark.drill
@pytest.mark.timeout(120)
async def test_a_short_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    """A run of a few seconds drives all servers, and what it traced was exported."""
    asyncio.get_running_loop().set_debug(enabled=False)
    await trace_price.compare(1, 1)
    said = capsys.readouterr().out
    assert said.count(" of off ") == len(trace_price.RATIOS)
    assert said.count("spans of ") == 2


@pytest.mark.drill
@pytest.mark.timeout(120)
async def test_without_spans_nothing_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in which nothing is exported fails, however cheap it was."""
    asyncio.get_running_loop().set_debug(enabled=False)
    monkeypatch.setattr(trace_price, "EXPORT_S", 1.0)
    monkeypatch.setattr(trace_price, "settings_of", lambda *_: {})
    with pytest.RaisesGroup(TimeoutError):
        await trace_price.compare(1, 1)
