"""The gate: exact bounds, by network, and how an address is told to others."""

from collections import Counter
from ipaddress import ip_network

import pytest

from chat.errors import Refusal
from chat.rate import Window
from handlers.gate import HTTP_SPARE, Gate, network_of, redacted
from handlers.options import EdgeOptions


def gate_of(options: EdgeOptions) -> Gate:
    return Gate(options, Counter(), Counter())


def refused(gate: Gate, address: str, now: float = 0.0) -> str:
    with pytest.raises(Refusal) as caught:
        gate.enter(address, now)
    assert caught.value.retry_ms is not None
    return caught.value.code


def test_full_before_per_address() -> None:
    """A full node says unavailable to everyone; who leaves makes room."""
    gate = gate_of(EdgeOptions(connections=2, connections_per_ip=1))
    first = gate.enter("10.0.0.1", 0)
    assert refused(gate, "10.0.0.1") == "rate_limited"
    gate.enter("10.0.0.2", 0)
    assert refused(gate, "10.0.0.3") == "unavailable"
    first.leave()
    gate.enter("10.0.0.3", 0)
    assert gate._attempts == {"full": 1, "per_ip": 1}


def test_one_v6_network_is_one_address() -> None:
    """Addresses of one /64 share a count, those of another do not; mapped IPv4 is IPv4."""
    gate = gate_of(EdgeOptions(connections_per_ip=1))
    gate.enter("2001:db8::1", 0)
    assert refused(gate, "2001:db8::ffff:1") == "rate_limited"
    gate.enter("2001:db8:0:1::1", 0)
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1")


def test_handshakes_in_any_minute() -> None:
    """The handshake after the last of a minute is refused until the first is a minute old."""
    gate = gate_of(EdgeOptions(handshakes_per_minute=2))
    for now in (0.0, 30.0):
        gate.enter("10.0.0.1", now).leave()
    assert refused(gate, "10.0.0.1", 59.9) == "rate_limited"
    gate.enter("10.0.0.1", 60.0)
    gate.enter("10.0.0.2", 59.9)


def test_connections_in_any_minute() -> None:
    """Five connections for each handshake of a minute, then none; trusted proxies as they like."""

    def comes(address: str, now: float) -> bool:
        leave = gate.knock(address, now)
        if leave is not None:
            leave()
        return leave is not None

    trusted = (ip_network("10.9.0.0/16"),)
    gate = gate_of(EdgeOptions(handshakes_per_minute=2, trusted_proxies=trusted))
    assert [comes("10.0.0.1", 0) for _ in range(11)] == [True] * 10 + [False]
    assert comes("10.0.0.2", 0)
    assert not comes("10.0.0.1", 59.9)
    assert comes("10.0.0.1", 60.0)
    assert all(comes("10.9.0.1", 0) for _ in range(100))


def test_open_http_connections() -> None:
    """An address has so many open at once, a trusted proxy all there is room for, and no more."""
    trusted = (ip_network("10.9.0.0/16"),)
    gate = gate_of(EdgeOptions(connections=2, connections_per_ip=20, trusted_proxies=trusted))
    mine = [gate.knock("10.0.0.1", 0) for _ in range(100)]
    assert all(mine)
    assert gate.knock("10.0.0.1", 0) is None
    assert mine[0] is not None
    mine[0]()
    assert gate.knock("10.0.0.1", 0)
    assert all(gate.knock("10.9.0.1", 0) for _ in range(2 + HTTP_SPARE - 100))
    assert gate.knock("10.9.0.1", 0) is None
    assert gate.knock("10.0.0.2", 0) is None
    assert gate._rejections == {"open": 3}


def test_quiet_addresses_are_forgotten() -> None:
    """A stream of new addresses does not grow the memory for ever."""
    gate = gate_of(EdgeOptions(connections=10))
    for i in range(5_000):
        address = f"10.{i // 65536}.{i // 256 % 256}.{i % 256}"
        gate.enter(address, i * 0.1).leave()
    assert len(gate._handshakes) <= 1_700
    assert not gate.by_network
    assert not gate.strangers


def test_many_new_addresses_are_not_looked_at_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When thousands come within a minute, each of them is looked at a few times at most."""
    looks = 0

    def idle_at(_: Window) -> float:
        nonlocal looks
        looks += 1
        return 60.0

    monkeypatch.setattr(Window, "idle_at", property(idle_at))
    gate = gate_of(EdgeOptions())
    for i in range(20_000):
        leave = gate.knock(f"10.0.{i // 256}.{i % 256}", 0.0)
        assert leave is not None
        leave()
    assert looks <= 2 * 20_000


def test_strangers_of_one_address() -> None:
    """An address may have so many connections that have not signed in; who has, counts no more."""
    gate = gate_of(EdgeOptions(connections=10, connections_per_ip=10, unauthenticated_per_ip=2))
    first, second = gate.enter("10.0.0.1", 0), gate.enter("10.0.0.1", 0)
    assert refused(gate, "10.0.0.1") == "rate_limited"
    gate.enter("10.0.0.2", 0)
    for _ in range(2):
        first.signed_in()
    third = gate.enter("10.0.0.1", 0)
    assert refused(gate, "10.0.0.1") == "rate_limited"
    second.leave()
    gate.enter("10.0.0.1", 0)
    assert refused(gate, "10.0.0.1") == "rate_limited"
    for entry in (first, third):
        entry.leave()
    assert (gate.by_network["10.0.0.1"], gate.strangers["10.0.0.1"]) == (1, 1)
    assert gate._attempts["unauthenticated"] == 3


def test_draining_gate() -> None:
    """A draining node lets nobody in."""
    gate = gate_of(EdgeOptions())
    gate.draining = True
    assert refused(gate, "10.0.0.1") == "unavailable"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.0/24"),
        ("::ffff:10.1.2.3", "10.1.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", ""),
        ("x", ""),
    ],
)
def test_redacted(address: str, network: str) -> None:
    """An address is shown as a network, and what is none is not shown."""
    assert redacted(address) == network
