"""Every mutant: what breaks, the name it is caught under, and what follows from it besides."""

from dataclasses import dataclass
from typing import Final

from tests.drills.mutants import acks, epochs, logs, reads, sessions, sources
from tests.drills.mutants.edit import Mutation


@dataclass(frozen=True, slots=True)
class Mutant:
    """`implies` are further breaches that the same fault may amount to, and no others.

    `loses`: it needs a history with a fault that lost something, and all others one without.
    """

    mutate: Mutation
    caught_as: str
    implies: frozenset[str] = frozenset()
    loses: bool = False


def of(mutate: Mutation, caught_as: str, *implies: str, loses: bool = False) -> Mutant:
    return Mutant(mutate, caught_as, frozenset(implies), loses)


MUTANTS: Final = (
    of(logs.drop, "lost", "hole", "phantom"),
    of(logs.drop_last, "lost", "phantom"),
    of(logs.renumber_after_drop, "lost", "incompatible_order", "inconsistent_ack", "phantom"),
    of(logs.store_twice, "duplicate", "unseen"),
    of(logs.swap, "incompatible_order", "inconsistent_ack", "realtime_order"),
    of(logs.other_text, "garbage_read"),
    of(logs.refused_text, "garbage_read"),
    of(logs.fabricate, "garbage_read", "unseen"),
    of(logs.store_refused, "aborted_read", "unseen"),
    of(logs.refuse_stored, "aborted_read"),
    of(logs.reuse_seq, "incompatible_order", "hole", "inconsistent_ack", "phantom"),
    of(logs.leave_gap, "hole", "inconsistent_ack", "phantom", "unseen"),
    of(logs.trim, "hole", "lost", "phantom"),
    of(logs.repeat, "hole"),
    of(logs.scramble, "hole"),
    of(sources.lag, "unequal_final", "lost", "phantom"),
    of(sources.rename, "unequal_final", "lost", "needless_epoch", "phantom", "silent_epoch"),
    of(sources.diverge, "unequal_final", "garbage_read"),
    of(logs.acked_after_loss, "lost", "hole", "phantom", loses=True),
    of(acks.fabricate_ack, "lost"),
    of(
        acks.ack_elsewhere, "inconsistent_ack", "incompatible_order", "realtime_order", "stale_read"
    ),
    of(
        acks.ack_dup_elsewhere,
        "inconsistent_ack",
        "incompatible_order",
        "realtime_order",
        "stale_read",
    ),
    of(acks.ack_lost_elsewhere, "inconsistent_ack", "realtime_order", "stale_read", loses=True),
    of(acks.ack_in_lost_epoch, "lost", "realtime_order", loses=True),
    of(acks.place_before_known, "realtime_order", "stale_read"),
    of(acks.place_retry_before_known, "realtime_order", "stale_read"),
    of(reads.show_uncommitted, "phantom"),
    of(reads.show_beyond_end, "phantom"),
    of(reads.read_uncommitted, "phantom"),
    of(reads.tell_head_beyond, "phantom"),
    of(reads.deliver_other_text, "garbage_read"),
    of(reads.deliver_other_message, "incompatible_order"),
    of(reads.tear_page, "hole"),
    of(reads.read_stale_page, "stale_read"),
    of(reads.read_less_than_shown, "stale_read"),
    of(reads.join_stale, "stale_read"),
    of(sessions.deliver_out_of_order, "nonmonotonic", "skipped", "stale_read"),
    of(sessions.deliver_twice, "nonmonotonic"),
    of(sessions.skip_delivery, "skipped"),
    of(sessions.replay_held, "nonmonotonic"),
    of(sessions.skip_unowed, "skipped"),
    of(sessions.resume_too_far_on, "skipped", "nonmonotonic"),
    of(sessions.owe_nothing, "skipped"),
    of(sessions.never_show_last, "unseen"),
    of(sessions.never_show_any, "unseen"),
    of(sessions.show_late, "unseen"),
    of(sessions.show_after_close, "outside_session"),
    of(sessions.reset_for_other_reason, "needless_reset"),
    of(sessions.reset_needlessly, "needless_reset"),
    of(
        epochs.lose_without_cause,
        "needless_epoch",
        "lost",
        "phantom",
        "inconsistent_ack",
        "incompatible_order",
        "realtime_order",
        loses=True,
    ),
    of(
        epochs.keep_epoch,
        "incompatible_order",
        "lost",
        "phantom",
        "inconsistent_ack",
        "realtime_order",
        "stale_read",
        "needless_reset",
        loses=True,
    ),
    of(epochs.lead_on, "silent_epoch", "nonmonotonic", "skipped", loses=True),
    of(epochs.leave_behind, "silent_epoch", loses=True),
    of(epochs.carry_on, "silent_epoch", "nonmonotonic", "skipped", loses=True),
    of(epochs.read_lost_epoch, "stale_read", loses=True),
)
