"""What people and programs may throw at a running case."""

from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from tests.workflows.conftest import Recovery
from tests.workflows.outside import Outside, escalate, retry
from workflows.case import State, Status

WAITS_FOR_APPROVAL = [retry(days=2, approval="APPR_AMOUNT")]

JUNK: list[list[Any]] = [
    ["approve"],
    [["a", "list"]],
    [17],
    [True],
    [{"actor": 5}],
    [{"action": "refund"}],
    [{"until": "tomorrow"}],
    [{"until": "2027-01-01T00:00:00"}],
    [{}, {}],
    [None, 2, "three"],
]


@pytest.mark.parametrize("bodies", JUNK, ids=str)
@pytest.mark.parametrize("name", ["approve", "reject", "cancel", "snooze"])
async def test_junk_is_refused_visibly_and_changes_nothing(
    recovery: Recovery, outside: Outside, name: str, bodies: list[Any]
) -> None:
    outside.plans = WAITS_FOR_APPROVAL
    case = await recovery.start()
    await case.reaches(State.AWAITING_APPROVAL)

    await case.handle.signal(name, args=bodies)

    assert (await case.status()).state is State.AWAITING_APPROVAL
    assert "REFUSED" in await case.details()


@pytest.mark.parametrize("body", [(), (None,), ({},), ({"actor": "dana", "note": "extra"},)])
async def test_an_approval_may_say_nothing_at_all(
    recovery: Recovery, outside: Outside, body: tuple[Any, ...]
) -> None:
    outside.plans = WAITS_FOR_APPROVAL
    case = await recovery.start()
    await case.reaches(State.AWAITING_APPROVAL)

    await case.handle.signal("approve", args=list(body))

    assert await case.outcome() == "recovered"


async def test_an_unknown_signal_is_shown_and_ignored(recovery: Recovery, outside: Outside) -> None:
    outside.plans = WAITS_FOR_APPROVAL
    case = await recovery.start()
    await case.reaches(State.AWAITING_APPROVAL)

    await case.handle.signal("aprove", {"actor": "dana"})

    assert (await case.status()).state is State.AWAITING_APPROVAL
    assert "aprove: no such signal" in await case.details()


async def test_an_approval_for_an_older_decision_is_refused(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = WAITS_FOR_APPROVAL
    case = await recovery.start()
    status = await case.reaches(State.AWAITING_APPROVAL)
    assert status.pending_decision
    stale = f"{status.invoice}.99"

    await case.handle.signal("approve", {"decision_id": stale})
    assert (await case.status()).state is State.AWAITING_APPROVAL
    assert f"{stale} is not the pending one" in await case.details()

    await case.handle.signal("approve", {"decision_id": status.pending_decision.decision_id})
    assert await case.outcome() == "recovered"


async def test_an_approval_when_nothing_is_pending_is_refused(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2)]
    case = await recovery.start()
    await case.reaches(State.WAITING_TO_RETRY)

    await case.handle.signal("approve")

    assert "no decision is pending" in await case.details()


async def test_an_update_answers_with_the_new_state(recovery: Recovery, outside: Outside) -> None:
    outside.plans = WAITS_FOR_APPROVAL
    case = await recovery.start()
    await case.reaches(State.AWAITING_APPROVAL)

    status = await case.handle.execute_update(
        "decide", {"verdict": "reject", "actor": "dana"}, result_type=Status
    )

    assert status.state is State.AWAITING_CSM


@pytest.mark.parametrize(
    "body",
    [{}, {"verdict": "maybe"}, {"verdict": "approve", "decision_id": "in_1.99"}, "approve", None],
    ids=str,
)
async def test_a_wrong_update_is_refused_to_the_senders_face(
    recovery: Recovery, outside: Outside, body: Any
) -> None:
    outside.plans = WAITS_FOR_APPROVAL
    case = await recovery.start()
    await case.reaches(State.AWAITING_APPROVAL)

    with pytest.raises(WorkflowUpdateFailedError):
        await case.handle.execute_update("decide", body)

    assert (await case.status()).state is State.AWAITING_APPROVAL


async def test_stop_closes_the_case_and_says_so(recovery: Recovery, outside: Outside) -> None:
    outside.plans = [escalate()]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CSM)

    status = await case.handle.execute_update(
        "stop", {"actor": "dana", "reason": "wire"}, result_type=Status
    )

    assert status.outcome == "cancelled"
    assert await case.outcome() == "cancelled"


async def test_the_status_speaks_the_contract(recovery: Recovery, outside: Outside) -> None:
    outside.plans = WAITS_FOR_APPROVAL
    case = await recovery.start()
    await case.reaches(State.AWAITING_APPROVAL)

    status = await case.handle.query("status", result_type=dict)

    assert list(status) == [
        "invoice",
        "customer",
        "state",
        "round",
        "attempts",
        "pending_decision",
        "next_action",
        "next_action_at",
        "outcome",
    ]
    assert set(status["pending_decision"]) == {"decision_id", "action", "reasons", "expires_at"}
    assert status["pending_decision"]["expires_at"].endswith("Z")
    assert status["round"] == 1
