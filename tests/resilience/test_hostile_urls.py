"""Any text as REDIS_URL: a target, or a `ValueError` that repeats nothing of it."""

from typing import Final

from hypothesis import strategies as st

from resilience.url import SCHEMES, Target, parse
from tests.examples import hold, often

SECRET: Final = "canary-4711"
PIECES: Final = st.sampled_from(
    [
        *"[]@:/?#,%h &=\n\0",
        *("::1", "//", "%zz", "%ff", "host", "6379", "db", "ssl_ca_certs=x"),
        *("9" * 5_000, "²", "\u2100", "a\u2100b", ".", "..", "h" * 64),
        *(f"sentinel_password={SECRET}", f"u:{SECRET}@"),
    ]
)
URLS: Final = st.builds(
    lambda scheme, pieces: f"{scheme}://" + "".join(pieces),
    st.sampled_from([*SCHEMES, "http", ""]),
    st.lists(PIECES | st.text(max_size=3), max_size=10),
)


def attempt(url: str) -> tuple[Target | None, ValueError]:
    """Return what the URL names, or what is said of it."""
    try:
        return parse(url), ValueError()
    except ValueError as error:
        return None, error


@often(10_000)
def test_urls(examples: int) -> None:
    """Nothing but a target or a `ValueError` comes of it, and no secret is in what that says."""

    def fact(url: str) -> None:
        target, error = attempt(url)
        if target is not None:
            assert target.addresses
            for host, _ in target.addresses:
                assert host.encode("idna").isascii()  # or no resolver can be asked for it
            assert SECRET not in f"{target.credentials} {target.sentinel_credentials}"
        else:
            assert SECRET not in repr(error)
            assert error.__suppress_context__ or error.__context__ is None

    hold(examples, fact, URLS | st.text(max_size=40))
