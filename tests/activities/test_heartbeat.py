"""A step at work tells Temporal so, and is not torn off between an answer and its record."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.heartbeat import Heartbeats

Work = Callable[[], Awaitable[str]]


class Runs(ActivityInboundInterceptor):
    """The innermost link: the step itself."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return await self._work()


@pytest.fixture
def environment() -> ActivityEnvironment:
    there = ActivityEnvironment()
    there.info = replace(there.info, heartbeat_timeout=timedelta(milliseconds=30))
    return there


def running(environment: ActivityEnvironment, work: Work) -> "asyncio.Task[str]":
    step = Heartbeats().intercept_activity(Runs(work))
    order = cast(ExecuteActivityInput, None)

    async def run() -> str:
        said: str = await step.execute_activity(order)
        return said

    return asyncio.ensure_future(environment.run(run))


async def test_a_step_at_work_says_so_again_and_again(environment: ActivityEnvironment) -> None:
    beats: list[Any] = []
    thrice = asyncio.Event()

    def beat(*_: Any) -> None:
        beats.append(True)
        if len(beats) == 3:
            thrice.set()

    async def slow() -> str:
        await thrice.wait()
        return "done"

    environment.on_heartbeat = beat

    assert await running(environment, slow) == "done"


async def test_a_quick_step_sends_nothing_but_its_answer(environment: ActivityEnvironment) -> None:
    beats: list[Any] = []
    environment.on_heartbeat = lambda *_: beats.append(True)

    async def quick() -> str:
        return "done"

    assert await running(environment, quick) == "done"
    assert beats == []


@pytest.mark.parametrize(
    "because",
    [
        ActivityCancellationDetails(cancel_requested=True),
        ActivityCancellationDetails(not_found=True),
    ],
    ids=["the case was cancelled", "Temporal no longer waits for it"],
)
async def test_what_has_begun_is_finished(
    environment: ActivityEnvironment, because: ActivityCancellationDetails
) -> None:
    begun, answered, written = asyncio.Event(), asyncio.Event(), []

    async def charge() -> str:
        begun.set()
        await answered.wait()
        written.append("the record")
        return "done"

    step = running(environment, charge)
    await begun.wait()
    environment.cancel(because)
    answered.set()

    assert await step == "done"
    assert written == ["the record"]


async def test_a_worker_that_must_stop_ends_what_will_not_end(
    environment: ActivityEnvironment,
) -> None:
    begun = asyncio.Event()

    async def never() -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    step = running(environment, never)
    await begun.wait()
    environment.cancel(ActivityCancellationDetails(worker_shutdown=True))

    with pytest.raises(asyncio.CancelledError):
        await step
