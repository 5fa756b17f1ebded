"""What is true of every answer: problems, incidents, and careful headers."""

import logging
from typing import NoReturn

import pytest

from tests.handlers.conftest import Rest, Start, complaints

ROOM = "/v1/rooms/general/messages"
PATHS = ["/health/live", "/v1/openapi.json", ROOM, "/v1/nowhere", "/v1/rooms/-/messages"]


@pytest.mark.parametrize("path", PATHS)
async def test_careful_headers(rest: Rest, path: str) -> None:
    """Every answer, good or bad, forbids sniffing, referring, framing and keeping."""
    headers = (await rest.ask("GET", path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(
    ("trusted", "said", "sent"),
    [
        ("127.0.0.0/8", "https", True),
        ("127.0.0.0/8", "http, HTTPS", True),
        ("127.0.0.0/8", "https, http", False),
        ("127.0.0.0/8", "http", False),
        ("10.0.0.0/8", "https", False),
        ("", "https", False),
    ],
)
async def test_behind_tls(rest_with: Start, trusted: str, said: str, *, sent: bool) -> None:
    """A year of TLS is promised exactly where a trusted proxy says that the client speaks it."""
    rest = await rest_with(TRUSTED_PROXIES=trusted)
    for path in PATHS:
        headers = (await rest.ask("GET", path, headers={"X-Forwarded-Proto": said})).headers
        found = headers.get("Strict-Transport-Security")
        assert found == ("max-age=31536000" if sent else None)


@pytest.mark.parametrize("collector", ["", "http://127.0.0.1:9"])
@pytest.mark.parametrize("host", ["x:y", "x:99999"])
async def test_a_host_that_is_none(
    rest_with: Start, caplog: pytest.LogCaptureFixture, collector: str, host: str
) -> None:
    """A malformed Host is the client's mistake on every path, traced or not: 400, no incident."""
    rest = await rest_with(OTEL_EXPORTER_OTLP_ENDPOINT=collector)
    for path in [*PATHS, "/ws"]:
        answer = await rest.ask("GET", path, headers={"Host": host})
        assert (answer.status, answer.json["code"]) == (400, "bad_request")
        assert "Server" not in answer.headers
    assert complaints(caplog) == []


async def test_a_mistake_is_an_incident(
    rest: Rest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error is 500 with an id alone; the log has the error under the same id."""

    def read(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("cAnArY")

    monkeypatch.setattr(rest.node.engine.log, "read", read)
    answer = await rest.ask("GET", ROOM, headers={"Origin": "http://localhost:3000"})
    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert b"cAnArY" not in answer.body
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.__dict__["incident"] == answer.json["detail"]
    assert record.__dict__["where"] == "/v1/rooms/{room}/messages"
    assert record.exc_info is not None
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert answer.headers["Retry-After"] == "1"


async def test_trailing_data_and_pipelines(rest_with: Start) -> None:
    """A refused request does not harm the next one on the same connection."""
    rest = await rest_with()
    for _ in range(3):
        assert (await rest.ask("POST", ROOM, data=b"{")).status == 415
        assert (await rest.say("x")).status == 201
