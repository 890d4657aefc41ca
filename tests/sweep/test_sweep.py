"""No failed invoice is lost: without any webhook, and whatever becomes of a run."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.accounts import AccountScript, Approve, CardScript, Decline
from tests.fixtures.installation import Installation
from workflows.case import Outcome

FUNDS = Decline(decline_code="insufficient_funds")
STOLEN = Decline(decline_code="stolen_card")
pytestmark = pytest.mark.system


def pays_next_time(**more: object) -> AccountScript:
    return AccountScript(card=CardScript(outcomes=(FUNDS, Approve())), **more)  # type: ignore[arg-type]


async def test_without_any_webhook_every_failed_invoice_gets_its_case(installation: Installation):
    accounts = [await installation.fails(pays_next_time()) for _ in range(4)]

    swept = await installation.sweeps()

    assert set(swept.started) == {account.invoice for account in accounts}
    outcomes = await asyncio.gather(*(installation.outcome(a.invoice) for a in accounts))
    assert outcomes == [Outcome.RECOVERED] * 4
    for account in accounts:
        assert await installation.charges(account.invoice) == ["paid"]


async def test_a_second_pass_starts_nothing_twice(installation: Installation):
    account = await installation.fails()
    first = await installation.sweeps()
    await installation.reaches(account.invoice, "waiting_to_retry")

    second = await installation.sweeps()

    assert (first.started, second.started) == ((account.invoice,), ())
    assert second.restarted == ()


async def test_the_first_day_is_no_storm(installation: Installation):
    """The playbook here starts five a pass; and nothing that fell due over 30 days ago."""
    long_ago = datetime.now(UTC) - timedelta(days=40)
    old = await installation.fails(AccountScript(created=long_ago))
    for _ in range(6):
        await installation.fails()

    swept = await installation.sweeps()

    assert len(swept.started) == 5
    assert swept.left_count == 2
    assert old.invoice in swept.left


@pytest.mark.parametrize(
    "script",
    [
        AccountScript(billing_reason="subscription_create"),
        AccountScript(collection_method="send_invoice"),
    ],
    ids=["a first payment", "paid by transfer"],
)
async def test_what_is_not_ours_to_collect_is_left_alone(
    installation: Installation, script: AccountScript
):
    await installation.fails(script)

    assert (await installation.sweeps()).started == ()


# ── runs that end as they should not ────────────────────────────────────────────────────


async def test_a_terminated_case_goes_on_to_recover_with_one_charge(installation: Installation):
    account = await installation.fails(pays_next_time())
    await installation.sweeps()
    await installation.reaches(account.invoice, "waiting_to_retry")
    await installation.cases.handle(account.invoice).terminate("an operator's mistake")

    swept = await installation.sweeps()

    assert swept.restarted == (account.invoice,)
    assert await installation.outcome(account.invoice) == Outcome.RECOVERED
    assert await installation.charges(account.invoice) == ["paid"]
    case = await installation.records.case(account.invoice)  # type: ignore[arg-type]
    assert (case.cycle, case.rounds_before) == (1, 1)


@pytest.mark.parametrize(
    ("script", "rests_in", "in_all"),
    [
        (AccountScript(card=CardScript(outcomes=(STOLEN,))), "awaiting_customer", 3),
        (AccountScript(email=None, card=CardScript(outcomes=(STOLEN,))), "awaiting_csm", 2),
    ],
    ids=["waiting for the customer", "waiting for the CSM"],
)
async def test_a_terminated_case_tells_nobody_twice(
    installation: Installation, script: AccountScript, rests_in: str, in_all: int
):
    """Link and handoff are out; the next run knows, and goes on waiting for the same answer."""
    account = await installation.fails(script)
    await installation.sweeps()
    await installation.until(lambda: installation.has_mailed(in_all - 1))
    await installation.cases.handle(account.invoice).terminate("an operator's mistake")

    await installation.sweeps()
    await installation.reaches(account.invoice, rests_in)
    await installation.sandbox.customer_pays(account.invoice, tell_us=False)
    await installation.ages(account.invoice)
    swept = await installation.sweeps()

    assert swept.told == (account.invoice,)
    assert await installation.outcome(account.invoice) == Outcome.RECOVERED
    assert len(await installation.subjects()) == in_all  # the last one is the stand-down


async def test_a_run_that_ended_before_it_wrote_its_case_down_is_no_obstacle(
    installation: Installation,
):
    account = await installation.fails(pays_next_time())
    await installation.stops_working()
    await installation.cases.start(account.invoice)
    await installation.cases.handle(account.invoice).terminate("too early")
    await installation.starts_working()

    swept = await installation.sweeps()

    assert swept.started == (account.invoice,)
    assert await installation.outcome(account.invoice) == Outcome.RECOVERED


async def test_an_open_case_hears_of_a_payment_that_no_webhook_told(installation: Installation):
    account = await installation.fails()
    await installation.sweeps()
    await installation.reaches(account.invoice, "waiting_to_retry")
    await installation.sandbox.customer_pays(account.invoice, tell_us=False)
    await installation.ages(account.invoice)

    swept = await installation.sweeps()

    assert swept.told == (account.invoice,)
    assert await installation.outcome(account.invoice) == Outcome.PAID_ELSEWHERE


# ── what a person closed stays closed ───────────────────────────────────────────────────


async def test_a_cancelled_case_stays_closed_until_somebody_starts_it_again(
    installation: Installation,
):
    account = await installation.fails(pays_next_time())
    await installation.sweeps()
    await installation.reaches(account.invoice, "waiting_to_retry")
    await installation.cases.stop(account.invoice, {"actor": "dana"})
    assert await installation.outcome(account.invoice) == Outcome.CANCELLED

    swept = await installation.sweeps()
    assert (swept.started, swept.restarted) == ((), ())
    assert not await installation.cases.start(account.invoice)

    assert await installation.cases.start(account.invoice, again=True)
    assert await installation.outcome(account.invoice) == Outcome.RECOVERED


async def test_after_retention_a_cancelled_case_stays_closed_too(installation: Installation):
    """Temporal has forgotten the run; Stripe's next failure starts one, which sees our record."""
    account = await installation.fails(pays_next_time())
    await installation.sweeps()
    await installation.reaches(account.invoice, "waiting_to_retry")
    await installation.cases.stop(account.invoice, {"actor": "dana"})
    await installation.outcome(account.invoice)

    assert await installation.cases.start(account.invoice, lost=True)  # as if nobody knew the id

    assert await installation.outcome(account.invoice) == Outcome.CANCELLED
    assert await installation.charges(account.invoice) == []


async def test_a_case_that_is_reset_after_it_was_taken_over_is_open_again(
    installation: Installation,
):
    """The reset run never opens its case again, so the sweep does; then webhooks find it."""
    account = await installation.fails(
        AccountScript(email=None, card=CardScript(outcomes=(STOLEN,)))
    )
    await installation.sweeps()
    await installation.reaches(account.invoice, "awaiting_csm")
    await installation.until(lambda: installation.has_mailed(1))
    await installation.cases.decide(account.invoice, {"verdict": "approve", "actor": "dana"})
    assert await installation.outcome(account.invoice) == Outcome.HANDED_OVER
    tasks = await installation.workflow_tasks(account.invoice)
    await installation.is_reset(account.invoice, tasks[len(tasks) // 2])
    await installation.ages(account.invoice)

    swept = await installation.sweeps()

    assert swept.reopened == (account.invoice,)
    case = await installation.records.case(account.invoice)  # type: ignore[arg-type]
    assert case.open
    assert len(await installation.subjects()) == 1
