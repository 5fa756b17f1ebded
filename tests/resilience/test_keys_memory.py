"""Idempotency keys are found for their time, and bounded."""

from chat.log import Receipt
from resilience.keys_memory import Keys
from tests.resilience.recorder import draft

BOUND = 10_000


def test_a_key_is_found_for_its_seconds() -> None:
    """A key is found until its seconds are over, and not from then on."""
    keys = Keys(10, BOUND)
    said = draft()
    keys.add(said, Receipt(3, 77), now=100.0)
    found = keys.find(said, 109.9)
    assert found is not None
    assert (found.receipt, found.digest) == (Receipt(3, 77), said.digest)
    assert keys.find(said, 110.0) is None


def test_a_key_that_ran_out_can_be_used_again() -> None:
    """After its time a key stands for what was appended last, for a full time again."""
    keys = Keys(10, BOUND)
    first, second = draft("one", cid="k"), draft("two", cid="k")
    keys.add(first, Receipt(1, 0), now=0.0)
    keys.add(draft(), Receipt(2, 0), now=5.0)
    keys.add(second, Receipt(3, 0), now=11.0)
    found = keys.find(second, 20.9)
    assert found is not None
    assert (found.receipt.seq, found.digest) == (3, second.digest)


def test_old_keys_are_forgotten_on_the_way() -> None:
    """However many keys ran out, as many new ones are enough to be rid of them."""
    keys = Keys(10, BOUND)
    for _ in range(1_000):
        keys.add(draft(), Receipt(1, 0), now=0.0)
    for _ in range(1_000):
        keys.add(draft(), Receipt(1, 0), now=10.0)
    assert len(keys) == 1_000


def test_keys_are_bounded_in_number() -> None:
    """Beyond the bound the oldest key is forgotten, though its time is not over."""
    keys = Keys(10, limit=3)
    drafts = [draft() for _ in range(5)]
    for seq, said in enumerate(drafts, 1):
        keys.add(said, Receipt(seq, 0), now=0.0)
    assert len(keys) == 3
    assert [keys.find(said, 0.0) is not None for said in drafts] == [False, False, True, True, True]


def test_keys_without_time_are_no_keys() -> None:
    """With no seconds to remember nothing is found, and next to nothing is kept."""
    keys = Keys(0, BOUND)
    for _ in range(10):
        said = draft()
        keys.add(said, Receipt(1, 0), now=0.0)
        assert keys.find(said, 0.0) is None
    assert len(keys) == 1
