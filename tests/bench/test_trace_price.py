"""The price of tracing: its verdict, and that its servers differ in nothing but their sampling."""

import asyncio

import pytest

from bench import trace_price


@pytest.mark.parametrize(("one", "well"), [((101, 103), True), ((104, 106), False)])
def test_the_verdict(one: tuple[float, float], well: bool) -> None:  # noqa: FBT001
    """The median of the rounds' ratios decides, at three per cent."""
    costs = {"off": (100.0, 100.0), "1 %": one, "100 %": (300.0, 300.0)}
    assert trace_price.judge(costs) is well


@pytest.mark.drill
@pytest.mark.timeout(120)
async def test_a_short_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    """A run of a few seconds drives all three servers, and what it traced was exported."""
    asyncio.get_running_loop().set_debug(enabled=False)
    await trace_price.compare(1, 1)
    said = capsys.readouterr().out
    assert said.count(" of off ") == 3
    assert "exported 0 bytes" not in said
