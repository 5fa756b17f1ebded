"""URLs of storages: what they name, and that no mistake repeats a secret."""

import pytest

from resilience.address import Address
from resilience.url import Credentials, Target, parse


def test_a_single_redis() -> None:
    """`redis://` names one Redis with its login and database; the port has a default."""
    target = parse("redis://ann:p%40ss@cache/3")
    assert target.addresses == (Address("cache", 6379),)
    assert target.master_name is None
    assert target.database == 3
    assert target.credentials == Credentials("ann", "p@ss")
    assert not target.tls
    assert target.context() is None


def test_sentinels() -> None:
    """`redis+sentinel://` names sentinels, a master, a database; Sentinel gets the login too."""
    target = parse("redis+sentinel://u:p@h1:26379,h2,[::1]:7/mymaster/2")
    assert target.addresses == (Address("h1", 26379), Address("h2", 26379), Address("::1", 7))
    assert target.master_name == "mymaster"
    assert target.database == 2
    assert target.credentials == Credentials("u", "p")
    assert target.sentinel_credentials == Credentials("u", "p", optional=True)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("redis-1.example.", "redis-1.example."),
        ("my_redis", "my_redis"),
        (f"{'h' * 63}.example", f"{'h' * 63}.example"),
        ("bücher.example", "bücher.example"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[fe80::1%25eth0]", "fe80::1%25eth0"),
    ],
)
def test_hosts(written: str, host: str) -> None:
    """Names of any kind and addresses are taken as they are."""
    assert parse(f"redis://{written}").addresses == (Address(host, 6379),)


def test_the_login_of_sentinel() -> None:
    """Sentinel's own login replaces the one that it is offered."""
    target = parse("redis+sentinel://u:p@h/m?sentinel_username=s&sentinel_password=q")
    assert target.sentinel_credentials == Credentials("s", "q")


@pytest.mark.parametrize("url", ["rediss://h", "rediss+sentinel://h/m"])
def test_tls_verifies(url: str) -> None:
    """With TLS the other side's certificate and name are checked."""
    context = parse(url).context()
    assert context is not None
    assert context.check_hostname


@pytest.mark.parametrize(
    "url",
    [
        "http://:secret@h",
        "redis://:secret@",
        "redis://:secret@a,b",
        "redis://:secret@a..b",
        "redis://:secret@.",
        "redis://:secret@h h",
        "redis://:secret@h%2Fh",
        f"redis://:secret@{'h' * 64}",
        f"redis://:secret@{'h.' * 128}h",
        "redis+sentinel://:secret@s1,s2,s3..x/m",
        "redis+sentinel://:secret@[::1],[::x]/m",
        "redis://:secret@h:99999",
        "redis://:secret@h:port",
        "redis://:secret@h/x",
        "redis://:secret@h/0/1",
        "redis+sentinel://:secret@h",
        "redis://:secret@h?unknown=1",
    ],
)
def test_mistakes_are_refused(url: str) -> None:
    """What names no storage is a `ValueError` that does not repeat it."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is what is looked at
        parse(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("redis://u:7#secret@h:6379/0", "written %2F"),
        ("redis://u:secret/7@h:6379/0", "written %2F"),
        ("redis://u:7?secret@h:6379/0", "the options are"),
        ("redis://u:secret@h?ssl_ca_certs=/ca.pem", "needs rediss"),
        ("redis+sentinel://h/m?ssl_ca_certs=/ca.pem", "needs rediss"),
    ],
)
def test_what_would_be_taken_for_something_else(url: str, rule: str) -> None:
    """Half of a password is no host, and who names authorities means to speak TLS."""
    with pytest.raises(ValueError, match=rule):
        parse(url)


def test_a_target_keeps_its_secret() -> None:
    """Neither password is in the representation of a target."""
    target: Target = parse("redis+sentinel://u:hush@h/m?sentinel_password=hush2")
    assert "hush" not in repr(target)
