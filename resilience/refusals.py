"""What refused commands mean for what is sent next."""

from collections.abc import Callable, Iterable

from resilience.link import Link, LinkLost, ReplyError
from resilience.quorum import ANSWER_S
from resilience.scripts import Script
from resilience.verdicts import Verdict, code, judge


def judge_here(error: ReplyError) -> Verdict:
    """Return what an error means; `LinkLost` if this is no master any more."""
    verdict = judge(error)
    if verdict is Verdict.FENCED:
        raise LinkLost(code(error))
    return verdict


async def weigh(
    link: Link,
    script: Script,
    failed: Iterable[ReplyError],
    judge_one: Callable[[ReplyError], Verdict],
) -> set[Verdict]:
    """Judge what failed; a script that is not known is loaded, and a refusal of that judged too."""
    verdicts = set(map(judge_one, failed))
    if Verdict.UNLOADED in verdicts:
        (loaded,) = await link.pipeline([script.load], ANSWER_S)
        if isinstance(loaded, ReplyError):
            verdicts.add(judge_one(loaded))
    return verdicts
