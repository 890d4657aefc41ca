"""Cases on a real server while keys are added, activated, lost and restored."""

import json

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError

from encryption import SEALED, PayloadCodec
from tests.encryption.conftest import NAMESPACE, Case, Installation, payloads_in, ring
from tests.workflows.outside import Outside, retry
from workflows import steps
from workflows.case import State

pytestmark = pytest.mark.system

TASK_FAILED = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
SIGNALED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
ACTIVITY_FAILED = EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED


@pytest.fixture
def asks_first(outside: Outside) -> Outside:
    """A case that waits for a person, and charges at once when the person agrees."""
    outside.plans = [retry(days=0, approval="APPR_AMOUNT")]
    return outside


async def test_everything_that_says_something_is_sealed(
    installation: Installation, asks_first: Outside
) -> None:
    async with installation.workers(ring("k1"), asks_first) as client:
        case = await installation.start(client)
        await case.reaches(State.AWAITING_APPROVAL)
        await case.handle.signal("approve", {"actor": "dana", "reason": "she called"})

        assert await case.outcome() == "recovered"

    payloads = [payload for event in await case.history() for payload in payloads_in(event)]
    in_the_open = [payload for payload in payloads if payload.metadata["encoding"] != SEALED]
    assert len(payloads) - len(in_the_open) > 40
    assert [payload for payload in in_the_open if not for_temporal_itself(payload)] == []


def for_temporal_itself(payload: Payload) -> bool:
    """A search attribute names its type; a local activity's marker holds names, ids and times."""
    return "type" in payload.metadata or set(json.loads(payload.data)) == {
        *("seq", "attempt", "activity_id", "activity_type", "complete_time", "backoff"),
        *("original_schedule_time", "activation_index"),
    }


async def test_keys_rotate_while_a_case_runs(
    installation: Installation, asks_first: Outside
) -> None:
    async with installation.workers(ring("old"), asks_first) as client:
        case = await installation.start(client)
        await case.reaches(State.AWAITING_APPROVAL)

    async with installation.workers(ring("old", "new"), asks_first):  # added
        await case.reaches(State.AWAITING_APPROVAL)

    async with installation.workers(ring("new", "old"), asks_first) as client:  # activated
        await case.through(client).handle.signal("approve", {"actor": "dana"})

        assert await case.through(client).outcome() == "recovered"

    assert await case.key_ids() == {"old", "new"}
    assert len(asks_first.charges) == 1


async def test_a_missing_key_pauses_the_case_and_restoring_it_lets_it_go_on(
    installation: Installation, asks_first: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    async with installation.workers(ring("lost"), asks_first) as client:
        case = await installation.start(client)
        await case.reaches(State.AWAITING_APPROVAL)

    async with installation.workers(ring("new"), asks_first) as client:
        await case.through(client).handle.signal("approve", {"actor": "dana"})
        while TASK_FAILED not in await kinds(case):
            pass
        description = await case.handle.describe()

    assert description.status is WorkflowExecutionStatus.RUNNING
    assert asks_first.charges == []
    alerts = [vars(record)["kid"] for record in caplog.records if "alert" in vars(record)]
    assert alerts == ["lost"]
    assert (await kinds(case)).count(SIGNALED) == 1  # not dropped

    async with installation.workers(ring("new", "lost"), asks_first) as client:
        assert await case.through(client).outcome() == "recovered"

    assert len(asks_first.charges) == 1


async def test_a_message_sealed_with_a_key_nobody_knows_is_kept_until_somebody_does(
    installation: Installation, asks_first: Outside
) -> None:
    """The sender was updated first. The order is heard as soon as the worker is."""
    async with installation.workers(ring("k1"), asks_first) as client:
        case = await installation.start(client)
        await case.reaches(State.AWAITING_APPROVAL)
        ahead = await installation.client(ring("k2", "k1"))
        await case.through(ahead).handle.signal("approve", {"actor": "dana"})
        while TASK_FAILED not in await kinds(case):
            pass
        assert asks_first.charges == []

    async with installation.workers(ring("k1", "k2"), asks_first) as client:
        assert await case.through(client).outcome() == "recovered"


async def test_the_words_of_a_failure_are_sealed_too(
    installation: Installation, outside: Outside
) -> None:
    outside.plans = [retry(days=0)]

    def refuse() -> None:
        raise ApplicationError("Dana of Acme said no", type="Refused", non_retryable=True)

    outside.before(steps.GATHER_CRM, refuse)
    async with installation.workers(ring("k1"), outside) as client:
        case = await installation.start(client)
        assert await case.outcome() == "recovered"

    [failed] = [event for event in await case.history() if event.event_type == ACTIVITY_FAILED]
    failure = failed.activity_task_failed_event_attributes.failure
    assert failure.message == "Encoded failure"
    assert failure.stack_trace == ""
    assert b"Dana" not in failed.SerializeToString()
    await PayloadCodec(ring("k1"), NAMESPACE).decode_failure(failure)
    words = json.loads(failure.encoded_attributes.data)
    assert words["message"] == "Dana of Acme said no"
    assert "refuse" in words["stack_trace"]


async def kinds(case: Case) -> list[EventType.ValueType]:
    return [event.event_type for event in await case.history()]
