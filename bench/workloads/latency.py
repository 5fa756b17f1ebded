"""Publish to deliver under a steady load, timed from when each message was due (open loop)."""

from __future__ import annotations

from functools import partial

from bench.generator import Figures, Refused
from bench.plan import Room, Traffic
from bench.workloads.closed import INGEST_PUBLISHERS, LONGEST, WARMUP, closed_loop
from bench.workloads.workload import ALL_PEERS, MILLI, Case, Column, Options, Setting, Workload

SHARES = (0.25, 0.50, 0.75)
PLOTTED = 0.50
SAME_RATE = 250.0
"""Messages a second that most can carry: shares of a maximum ten times as high are no like."""

ROOM = (Room(200, 32),)
ACK_RATE = 5000.0
PAIRS = (Room(2, 2),) * (INGEST_PUBLISHERS // 2)
LEAST = 100
"""Messages of a window: the share of a slow one's maximum is a few messages a second."""

OTHERS = 0.3
"""Cores that other programs may use: their turns would be told as the server's delays."""

LATE = 0.5
"""The generator's own p99 lateness may be at most this part of the p99 it reports."""


def _open_loop(setting: Setting, rooms: tuple[Room, ...], rate: float, seconds: float) -> Figures:
    traffic = Traffic("open", seconds, WARMUP, rate=rate, least=LEAST, longest=LONGEST)
    figures = setting.run(rooms, traffic)
    late, slowest = (figures.percentile(name, "p99") for name in ("lateness", "delivery"))
    if late > LATE * slowest:
        raise Refused(f"the generator was {late * MILLI:.1f} ms late of {slowest * MILLI:.1f} ms")
    if figures.others > OTHERS:
        raise Refused(f"other programs kept {figures.others:.1f} cores busy")
    return figures


def _shares(seconds: float, setting: Setting) -> dict[str, float]:
    full = closed_loop(setting, ROOM, seconds)
    maximum = full.count("published") / full.seconds
    found = {"maximum_per_s": maximum, "others": full.others}
    for share in SHARES:
        figures = _open_loop(setting, ROOM, maximum * share, seconds * 2)
        found["others"] = max(found["others"], figures.others)
        for rank in ("p50", "p99", "p99.9"):
            found[f"{rank}_{share:.0%}"] = figures.percentile("delivery", rank) * MILLI
    if maximum > SAME_RATE:
        figures = _open_loop(setting, ROOM, SAME_RATE, seconds * 2)
        found["p99_same"] = figures.percentile("delivery", "p99") * MILLI
    return found


def _acks(seconds: float, setting: Setting) -> dict[str, float]:
    figures = _open_loop(setting, PAIRS, ACK_RATE, seconds * 2)
    confirmed = "ack" if setting.peer.acks else "delivery"
    return {
        "p50_ms": figures.percentile(confirmed, "p50") * MILLI,
        "p99_ms": figures.percentile(confirmed, "p99") * MILLI,
        "p99.9_ms": figures.percentile(confirmed, "p99.9") * MILLI,
        "server_share": figures.cpu("server") / figures.seconds,
        "others": figures.others,
    }


def latency(options: Options) -> Workload:
    """At 25, 50 and 75 % of each peer's own maximum and at one rate for all, in a room of 200."""
    columns = [Column("own maximum, messages/s", "maximum_per_s", ",.0f")]
    for share in SHARES:
        columns += [
            Column(f"p50 ms at {share:.0%}", f"p50_{share:.0%}", ".2f"),
            Column(
                f"p99 ms at {share:.0%}",
                f"p99_{share:.0%}",
                ".2f",
                compared=True,
                plotted=share == PLOTTED,
            ),
        ]
    columns.append(Column(f"p99 ms at {SAME_RATE:.0f}/s", "p99_same", ".2f", compared=True))
    about = "A room of 200 with 32 publishers; the maximum is its closed-loop rate."
    case = Case({}, partial(_shares, options.seconds))
    return Workload("latency", about, ALL_PEERS, (case,), tuple(columns))


def acks(options: Options) -> Workload:
    """Publish to ack at 5,000 messages/s; to delivery where there are no acks."""
    columns = (
        Column("p50 ms", "p50_ms", ".2f"),
        Column("p99 ms", "p99_ms", ".2f", compared=True, plotted=True),
        Column("p99.9 ms", "p99.9_ms", ".2f"),
        Column("server, share of a core", "server_share", ".0%"),
    )
    about = (
        "256 publishers in rooms of two, 5,000 messages/s by the clock. Holdfast: until the ack, "
        "by which two replicas have it; the others have no acks: until its delivery."
    )
    case = Case({"messages/s": int(ACK_RATE)}, partial(_acks, options.seconds))
    return Workload("acks", about, ALL_PEERS, (case,), columns)
