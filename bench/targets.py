"""What was promised of the figures, each with what was measured for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import ge, le
from typing import Any

from bench.fit import carried
from bench.results import Series, paired
from bench.spread import Spread, ratios, spread

PYTHON_PEERS = ("plain", "fastapi", "python-socketio", "channels", "channels-pubsub")
Found = Mapping[str, Series]


@dataclass(frozen=True, slots=True)
class Target:
    """A promise, how its value is found, and the bound that it keeps."""

    promise: str
    workload: str
    value: Callable[[Series], Spread | None]
    bound: float
    within: Callable[[float, float], bool]
    spec: str

    def kept(self, value: Spread) -> bool:
        """Whether the median is within the bound."""
        return self.within(value.middle, self.bound)


def _times(peer: str, name: str, at: dict[str, Any]) -> Callable[[Series], Spread | None]:
    """How many times Holdfast's value the peer's is."""

    def value(series: Series) -> Spread | None:
        theirs, ours = paired(series, peer, "holdfast", name, at)
        return ratios(theirs, ours) if ours else None

    return value


def _part(peer: str, ours: str, name: str, at: dict[str, Any]) -> Callable[[Series], Spread | None]:
    """Holdfast's value as a multiple of the peer's."""

    def value(series: Series) -> Spread | None:
        mine, theirs = paired(series, ours, peer, name, at)
        return ratios(mine, theirs) if mine else None

    return value


def _own(name: str, at: dict[str, Any]) -> Callable[[Series], Spread | None]:
    def value(series: Series) -> Spread | None:
        values = list(series.pick("holdfast", name, at).values())
        return spread(values) if values else None

    return value


def _fanout() -> Iterator[Target]:
    limits = {"socket.io": 8, "socket.io-streams": 8, "python-socketio": 25, "channels": 60}
    for in_flight in (8, 32):
        at = {"subscribers": 200, "in flight": in_flight}
        for peer, times in (limits | {"channels-pubsub": 60}).items():
            text = f"Fan-out to 200, {in_flight} in flight: CPU per delivery ≥ {times} × cheaper "
            value = _times(peer, "cpu_us", at)
            yield Target(f"{text}than {peer}", "fanout", value, times, ge, ".1f")
        text = f"Fan-out to 200, {in_flight} in flight, in memory: ≤ 1.5 × uWebSockets"
        value = _part("uwebsockets", "holdfast-memory", "cpu_us", at)
        yield Target(text, "fanout", value, 1.5, le, ".2f")


def _ingest() -> Iterator[Target]:
    text = "Ingest: server CPU ≤ 80 µs per acked and replicated message"
    yield Target(text, "ingest", _own("cpu_us_message", {}), 80, le, ".0f")
    for peer in PYTHON_PEERS:
        text = f"Ingest: CPU per message ≤ a third of {peer}'s"
        yield Target(text, "ingest", _times(peer, "cpu_us_message", {}), 3, ge, ".1f")


def _latency() -> Iterator[Target]:
    text = "Publish→deliver p99 at half of its own maximum ≤ plain aiohttp + pub/sub's at its half"
    value = _part("plain", "holdfast", "p99_50%", {})
    yield Target(text, "latency", value, 1, le, ".2f")
    text = "Ack p99 ≤ 10 ms at 5,000 messages/s"
    yield Target(text, "acks", _own("p99_ms", {}), 10, le, ".1f")


def _idle() -> Iterator[Target]:
    at = {"connections": 10000}
    text = "10,000 idle connections: ≤ 16 KiB RSS each"
    yield Target(text, "idle", _own("kib_per_connection", at), 16, le, ".1f")
    text = "10,000 idle connections: ≤ 3 % of a core"
    yield Target(text, "idle", _own("cpu_share", at), 0.03, le, ".2%")
    for peer in ("socket.io", "python-socketio", "fastapi", "channels"):
        text = f"10,000 idle connections: less memory than {peer}"
        yield Target(text, "idle", _times(peer, "kib_per_connection", at), 1, ge, ".2f")


def _processes() -> Iterator[Target]:
    text = "Two processes carry nearly twice what one does (≥ 1.8 ×), each room at one of them"
    yield Target(text, "processes", partial(carried, peer="holdfast", over=1), 1.8, ge, ".2f")


TARGETS = (*_fanout(), *_ingest(), *_latency(), *_idle(), *_processes())


def rows(found: Found) -> Iterator[list[str]]:
    """Promise, median with spread, and whether it is kept; `not measured` where there is none."""
    for target in TARGETS:
        series = found.get(target.workload)
        value = target.value(series) if series else None
        if value is None:
            yield [target.promise, "not measured", ""]
        else:
            kept = "yes" if target.kept(value) else "**no**"
            yield [target.promise, format(value, target.spec), kept]
