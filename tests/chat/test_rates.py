"""Each user has an exact rate, and who went quiet costs nothing."""

from chat.rates import Rates


def test_users_have_windows_of_their_own() -> None:
    """A user at the limit waits until the first spend is out of the window; others do not."""
    rates = Rates(2, 60)
    assert [rates.spend("ann", now) for now in (0.0, 10.0, 20.0)] == [0.0, 0.0, 40.0]
    assert rates.spend("bo", 20.0) == 0.0
    assert rates.spend("ann", 60.0) == 0.0


def test_quiet_users_are_forgotten() -> None:
    """Of users whose windows hold nothing that matters, each spend of another drops some."""
    rates = Rates(2, 60)
    for index in range(1_000):
        rates.spend(f"quiet{index}", 0.0)
    for index in range(1_000):
        rates.spend(f"loud{index}", 60.0)
    assert len(rates) == 1_000


def test_who_still_counts_is_kept() -> None:
    """A user is kept as long as one spend counts, though others came first and last."""
    rates = Rates(1, 60)
    rates.spend("ann", 0.0)
    rates.spend("bo", 30.0)
    rates.spend("ann", 60.0)
    rates.spend("cy", 89.0)
    assert rates.spend("bo", 89.0) == 1.0
    assert rates.spend("ann", 89.0) == 31.0


def test_a_refusal_does_not_prolong() -> None:
    """Trying in vain neither moves the end of the wait nor keeps a window alive."""
    rates = Rates(1, 60)
    rates.spend("ann", 0.0)
    assert [rates.spend("ann", now) for now in (10.0, 59.0)] == [50.0, 1.0]
    rates.spend("bo", 60.0)
    assert len(rates) == 1
