"""One short story per ending and branch, for the recorded histories that every change must replay.

python -m tests.workflows.scenarios     records what has no history yet; never overwrites one
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError

from tests.workflows.conftest import Case, Recovery, running
from tests.workflows.outside import SUBSCRIPTION_ENDED, VOID, Outside, escalate, link, retry
from workflows import steps
from workflows.case import State
from workflows.steps import PayKind

HISTORIES = Path(__file__).parent / "histories"

Play = Callable[[Case, Outside], Awaitable[None]]


async def _nothing(case: Case, outside: Outside) -> None:
    return None


def _signal(state: State, name: str, body: dict[str, object] | None = None) -> Play:
    async def play(case: Case, outside: Outside) -> None:
        await case.reaches(state)
        await case.handle.signal(name, args=[body] if body is not None else [])

    return play


async def _customer_pays(case: Case, outside: Outside) -> None:
    await case.reaches(State.AWAITING_CUSTOMER)
    outside.pays()
    await case.stripe("invoice.paid")


async def _paid_while_waiting(case: Case, outside: Outside) -> None:
    await case.reaches(State.WAITING_TO_RETRY)
    outside.pays()
    await case.stripe("invoice.paid")


async def _subscription_ends(case: Case, outside: Outside) -> None:
    await case.reaches(State.AWAITING_CUSTOMER)
    outside.ending = SUBSCRIPTION_ENDED
    await case.stripe("customer.subscription.deleted")


async def _new_card(case: Case, outside: Outside) -> None:
    await case.reaches(State.AWAITING_CUSTOMER)
    outside.card = "visa-2"
    await case.stripe("payment_method.attached")


async def _cancel_in_temporal(case: Case, outside: Outside) -> None:
    await case.reaches(State.WAITING_TO_RETRY)
    await case.handle.cancel()


async def _snooze_then_approve(case: Case, outside: Outside) -> None:
    status = await case.reaches(State.AWAITING_APPROVAL)
    assert status.pending_decision
    until = status.pending_decision.expires_at + timedelta(days=1)
    await case.handle.signal("snooze", {"until": until.isoformat()})
    await case.handle.signal("approve", {"actor": "dana"})


async def _junk(case: Case, outside: Outside) -> None:
    await case.reaches(State.WAITING_TO_RETRY)
    await case.handle.signal("approve", args=[{}, 2])
    await case.handle.signal("stripe_event", "junk")
    await case.handle.signal("no_such_signal", 1)


def _world(**settings: object) -> Outside:
    outside = Outside()
    for name, value in settings.items():
        setattr(outside, name, value)
    return outside


def _processing() -> Outside:
    outside = _world(plans=[retry(2)], bank=[PayKind.PROCESSING])
    for _ in range(4):
        outside.before(steps.RECHECK, lambda: None)
    outside.before(steps.RECHECK, outside.pays)
    return outside


def _curious() -> Outside:
    wish = steps.LookUp.model_validate(
        {
            "ref": {"invoice": "in_1", "cycle": 1, "round": 1, "now": "2026-01-01T00:00:00Z"},
            "tool": "read_note",
            "evidence_id": "NOTE.1",
        }
    )
    return _world(plans=[retry(2)], model=True, wishes=[(wish, wish), (wish,)])


LARGE = retry(2, approval="APPR_AMOUNT")
TWO = [PayKind.DECLINED, PayKind.PAID]

SCENARIOS: dict[str, tuple[Callable[[], Outside], Play]] = {
    "recovered_by_retry": (lambda: _world(plans=[retry(2)]), _nothing),
    "recovered_by_second_retry": (lambda: _world(plans=[retry(2), retry(4)], bank=TWO), _nothing),
    "recovered_after_link": (lambda: _world(plans=[link()]), _customer_pays),
    "recovered_with_new_card": (lambda: _world(plans=[link(), retry(0.01)]), _new_card),
    "recovered_by_slow_debit": (_processing, _nothing),
    "recovered_after_approval": (lambda: _world(plans=[LARGE]), _snooze_then_approve),
    "recovered_after_look_ups": (_curious, _nothing),
    "recovered_despite_junk": (lambda: _world(plans=[retry(2)]), _junk),
    "paid_elsewhere": (lambda: _world(plans=[retry(9)]), _paid_while_waiting),
    "not_collectible": (lambda: _world(ending=VOID), _nothing),
    "subscription_ended": (lambda: _world(plans=[link()]), _subscription_ends),
    "handed_over": (
        lambda: _world(plans=[escalate()]),
        _signal(State.AWAITING_CSM, "approve", {"actor": "dana"}),
    ),
    "exhausted": (lambda: _world(plans=[link(), escalate()]), _nothing),
    "rejected": (
        lambda: _world(plans=[LARGE]),
        _signal(State.AWAITING_APPROVAL, "reject", {"actor": "dana"}),
    ),
    "approval_expired": (lambda: _world(plans=[LARGE]), _nothing),
    "cancelled_by_person": (
        lambda: _world(plans=[retry(9)]),
        _signal(State.WAITING_TO_RETRY, "cancel", {"actor": "dana"}),
    ),
    "cancelled_in_temporal": (lambda: _world(plans=[retry(9)]), _cancel_in_temporal),
    "sources_missing": (
        lambda: _world(plans=[retry(2)], down={"gather_crm", "gather_billing"}),
        _nothing,
    ),
}


async def play(name: str, recovery: Recovery, outside: Outside, scene: Play) -> Case:
    case = await recovery.start()
    await scene(case, outside)
    try:
        await case.outcome()
    except WorkflowFailureError:
        assert name == "cancelled_in_temporal"
    return case


async def record() -> None:
    HISTORIES.mkdir(exist_ok=True)
    for name, (world, scene) in SCENARIOS.items():
        file = HISTORIES / f"{name}.json"
        if file.exists():
            continue
        outside = world()
        async with running(outside) as recovery:
            case = await play(name, recovery, outside, scene)
            history = await case.handle.fetch_history()
        file.write_text(json.dumps(scrubbed(json.loads(history.to_json())), indent=1) + "\n")


def scrubbed(part: Any) -> Any:
    """Without the traces of the machine that recorded it; replay does not look at them."""
    if isinstance(part, list):
        return [scrubbed(each) for each in part]
    if isinstance(part, dict):
        return {
            name: "recorded" if name in ("identity", "stackTrace") else scrubbed(value)
            for name, value in part.items()
        }
    return part


if __name__ == "__main__":
    asyncio.run(record())
