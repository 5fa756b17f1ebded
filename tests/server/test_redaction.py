"""Redaction: secrets are cut out by name, by form and by themselves; the rest is left alone."""

import json
import logging
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import logs
from server.redaction import LONGEST, MASK, Redaction
from tests.chatting import token

CANARY = "cAnArY42"
JWT = token(CANARY)
redact = Redaction(["k3y-of-tokens", "p@ss/word"])


def event(**fields: Any) -> str:
    """Return what is rendered of an event."""
    return json.dumps(redact(None, "info", {"event": "x", **fields}))


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: bearer {CANARY}.{CANARY}",
        f"{{'Authorization': 'Basic {CANARY}'}}",
        f"{{'Sec-WebSocket-Protocol': 'chat.v1, bearer.{JWT}'}}",
        f"Cookie: {CANARY}",
        f"a {JWT} b",
        f"({JWT.rpartition('.')[0]}.)",
        f"GET /ws?token={CANARY} HTTP/1.1",
        f"/x?a=1&access_token={CANARY}&b=2",
        f"/x?room=a;jwt={CANARY}",
        f"/x?X-Amz-Sig={CANARY}",
        f"redis://:{CANARY}@127.0.0.1:6379/0",
        f"redis://user:{CANARY}@127.0.0.1:6379/0",
        f"redis+sentinel://u:{CANARY}@a:1,b:2/mymaster",
        f"rediss://u:{CANARY}/{CANARY}@{CANARY}@host/0",
        f"Connection<host=a,password={CANARY},db=0>",
        f"Connection(host='a', password='{CANARY} {CANARY}', db=0)",
        f'{{"password": "{CANARY}"}}',
        f"api_key={CANARY}",
        f"client_secret: {CANARY}",
        f"JWT_SECRET={CANARY}",
    ],
)
def test_secrets_by_their_form(text: str) -> None:
    """A secret is cut out of a text wherever it stands: alone, in a list, in a traceback."""
    for fields in (
        {"detail": text},
        {"details": [text, (text,), {"x": text}]},
        {"details": {text: 1}},
        {"exception": f"Traceback\n  ...\nValueError: {text}"},
        {"error": ValueError(text)},
    ):
        rendered = event(**fields)
        assert CANARY not in rendered
        assert JWT[:20] not in rendered
        assert MASK in rendered


@pytest.mark.parametrize(
    "name",
    [
        *(
            "token",
            "access_token",
            "Authorization",
            "X-Api-Key",
            "cookie",
            "Set-Cookie",
            "password",
        ),
        *("redis_password", "jwt_secret", "JWT_SECRET", "credentials", "redis_url", "url"),
        *("text", "data", "payload", "body", "frame", "query"),
    ],
)
def test_secrets_by_their_name(name: str) -> None:
    """A field whose name says that it is secret, or what people wrote, is shown at no depth."""
    assert CANARY not in event(**{name: CANARY})
    assert CANARY not in event(details=[{"more": {name: [CANARY]}}])


def test_secrets_by_themselves() -> None:
    """This process's own secrets stand nowhere, whatever is around them."""
    rendered = event(detail="xk3y-of-tokensx p@ss/word", other={"k3y-of-tokens": ["p@ss/word"]})
    assert "k3y" not in rendered
    assert "word" not in rendered


@pytest.mark.parametrize(
    "text",
    [
        "listening",
        "a bearer is missing",
        "tokens are refused since the key set is away",
        "http://localhost:3000/path?room=general&limit=5",
        "/v1/rooms/{room}/messages",
        "redis://127.0.0.1:6379/0",
        "module.submodule.function: they say",
        "2026-01-02T03:04:05.678Z",
        "127.0.0.1:6379",
    ],
)
def test_the_innocent_is_left(text: str) -> None:
    """What holds no secret is logged as it is, numbers as numbers."""
    assert redact(None, "info", {"a": text, "n": 5, "f": 0.5, "b": True, "z": None}) == {
        "a": text,
        "n": 5,
        "f": 0.5,
        "b": True,
        "z": None,
    }


def test_long_and_deep_values_are_cut() -> None:
    """A value is cut to its bound, and what is nested beyond all measure is not followed."""
    endless: list[Any] = []
    endless.append(endless)
    assert len(event(detail="x" * 10**6)) < LONGEST + 100
    assert MASK in event(detail=endless)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_token_among_anything(before: str, after: str) -> None:
    """A JWT between any two texts is never legible."""
    assert JWT.split(".")[2] not in redact.text(f"{before} {JWT} {after}")


@given(st.text(alphabet="bearer .:=ey://@?&token=sig_-'\" ", max_size=2_000))
def test_no_text_takes_long(text: str) -> None:
    """No text makes redaction slow: its time is bounded by its length."""
    began = time.perf_counter()
    redact.text(text * 4)
    assert time.perf_counter() - began < 1


@pytest.fixture
def quiet_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the hooks of the process back when the test has ended."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    for name in ("excepthook", "unraisablehook"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    yield
    root.handlers[:] = kept
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_a_logged_exception_is_one_redacted_line(
    quiet_process: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception is one line of JSON on stdout, line breaks escaped, without its secrets."""
    logs.configure("INFO", readable=False, secrets=["k3y-of-tokens"])
    try:
        raise ValueError(f"Bearer {JWT}\n\x1b[31m k3y-of-tokens redis://:{CANARY}@h")
    except ValueError:
        logging.getLogger("holdfast.x").exception("fault\nforged: line")
    logging.getLogger("holdfast.x").info("%d", "no number")
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    assert err == ""
    assert json.loads(line)["event"] == "fault\nforged: line"
    assert "ValueError" in json.loads(line)["exception"]
    for secret in (JWT[:20], CANARY, "k3y", "\x1b"):
        assert secret not in line


def test_what_nobody_caught_is_logged(
    quiet_process: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own hooks write the same lines, not a traceback to stderr."""
    logs.configure("INFO", readable=False)
    error = ValueError(f"Bearer {JWT}")
    sys.excepthook(ValueError, error, None)
    thread = threading.Thread(target=lambda: (_ for _ in ()).throw(error))
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(f"token={CANARY}", stacklevel=1)
        logging.captureWarnings(capture=False)
    out, err = capsys.readouterr()
    assert err == ""
    found = [json.loads(line) for line in out.splitlines()]
    assert [line["logger"] for line in found] == ["holdfast.process"] * 2 + ["py.warnings"]
    assert JWT[:20] not in out
    assert CANARY not in out
