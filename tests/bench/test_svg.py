"""The plots of the report."""

import re
from xml.etree import ElementTree as ET

from bench.spread import Spread
from bench.svg import Bar, Group, bars

SVG = "{http://www.w3.org/2000/svg}"


def _chart(*values: float) -> ET.Element:
    shown = [Bar(f"<{v}> & co", Spread(v, v / 2, v * 2), ours=v == values[0]) for v in values]
    return ET.fromstring(bars("a < b", [Group("8 in flight", shown)]))


def test_a_chart_is_well_formed_and_has_a_bar_for_each_value() -> None:
    """Labels with markup in them break nothing."""
    assert len(_chart(1.0, 10.0, 100.0).findall(f"{SVG}rect")) == 3


def test_each_decade_is_as_long_as_the_next() -> None:
    """The axis is logarithmic: ten times the value is the same step farther right."""
    one, ten, hundred = (
        float(bar.get("width", "")) for bar in _chart(1, 10, 100).iter(f"{SVG}rect")
    )
    assert abs((hundred - ten) - (ten - one)) < 0.2


def test_our_own_bar_has_a_colour_of_its_own() -> None:
    """A reader finds the reference without reading."""
    colours = [bar.get("fill") for bar in _chart(1.0, 2.0, 3.0).iter(f"{SVG}rect")]
    assert colours[0] not in colours[1:]


def test_the_value_is_written_beside_its_bar() -> None:
    """Nobody has to measure a bar by eye."""
    assert re.search(">1.23<", bars("", [Group("", [Bar("x", Spread(1.23, 1, 2), ours=True)])]))
