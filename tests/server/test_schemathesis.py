"""Schemathesis on the OpenAPI document as it is served: made-up requests at a real process."""

import asyncio
from contextlib import suppress
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.chatting import token
from tests.server.process import process

EXAMPLES: Final = 25
CHECKS: Final[list[Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def torment(url: str, examples: int) -> int:
    """Send made-up requests to every operation; return how many there were."""
    schema = schemathesis.openapi.from_url(f"{url}/v1/openapi.json")
    headers = {"Authorization": f"Bearer {token('ann', scope='chat.admin chat.publish')}"}
    count = 0
    results: list[Any] = list(schema.get_all_operations())
    for operation in [result.ok() for result in results]:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode)

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=strategy)
            def one(case: Any) -> None:
                nonlocal count
                count += 1
                case.call_and_validate(headers=headers, checks=CHECKS)

            with suppress(Unsatisfiable):  # nothing can be wrong where nothing is given
                one()
    return count


async def run(examples: int) -> None:
    async with process(LOG_LEVEL="DEBUG") as server:
        count = await asyncio.to_thread(torment, f"http://127.0.0.1:{server.port}", examples)
        assert server.alive
        assert await server.stop() == 0
    assert count > examples * 10
    assert "Traceback" not in server.output


async def test_made_up_requests() -> None:
    """Good and bad requests to every operation get an answer that the document describes."""
    await run(EXAMPLES)


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
async def test_many_made_up_requests() -> None:
    """The same, a hundred times as many."""
    await run(EXAMPLES * 100)
