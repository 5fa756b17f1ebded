"""Giving callers their answers, so that one who fails at it is alone with that."""

import asyncio

from chat.log import Answer, Receipt


def give(answer: Answer, outcome: Receipt | Exception) -> None:
    """Call an answer; what it raises goes where the mistakes of the loop's callbacks go."""
    try:
        answer(outcome)
    except Exception as error:  # noqa: BLE001 - the others are to be answered too
        context = {"message": "an append's answer failed", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
