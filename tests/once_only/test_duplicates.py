"""Stripe says things twice, and late: a case hears each thing once."""

import asyncio

import pytest

from sandbox.accounts import AccountScript, Approve, CardScript, Decline
from starter.temporal import Hint, Told
from tests.fixtures.installation import Installation
from tests.workflows.conftest import Case, Recovery, outside, recovery  # noqa: F401
from tests.workflows.outside import Outside, retry
from workflows.case import Outcome, State
from workflows.nouns import InvoiceId

FAILED = {"event_id": "evt_1", "type": "invoice.payment_failed"}
PAYS = AccountScript(
    card=CardScript(outcomes=(Decline(decline_code="insufficient_funds"), Approve()))
)


@pytest.mark.system
async def test_a_late_failure_event_opens_no_second_case(installation: Installation) -> None:
    """Three deliveries at once, and one more when all is over."""
    account = await installation.fails(PAYS)
    cases = installation.cases

    await asyncio.gather(*(cases.failed(account.invoice, FAILED, Hint()) for _ in range(3)))
    assert await installation.outcome(account.invoice) == Outcome.RECOVERED
    late = await cases.failed(account.invoice, FAILED, Hint())

    assert late is Told.CLOSED
    assert not await cases.is_open(account.invoice)
    assert (await installation.records.case(InvoiceId(account.invoice))).cycle == 1
    assert await installation.charges(account.invoice) == ["paid"]


async def test_a_delivery_heard_before_is_not_looked_into(
    recovery: Recovery,  # noqa: F811
    outside: Outside,  # noqa: F811
) -> None:
    outside.plans = [retry(days=2)]
    case = await recovery.start()
    await case.reaches(State.WAITING_TO_RETRY)
    await case.stripe(event="evt_1")
    looks = await _rests(case, outside.calls)

    for _ in range(3):
        await case.stripe(event="evt_1")
        assert await _rests(case, outside.calls) == looks


async def _rests(case: Case, calls: list[str]) -> int:
    """How often Stripe was read, once the case has heard everything and rests again."""
    for _ in range(20):
        await case.status()
    return calls.count("recheck_invoice")
