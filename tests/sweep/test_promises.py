"""`dunning check`: each promise is broken on purpose once, and the check says so."""

from datetime import timedelta

import pytest

from activities.promises import MailPromises
from sandbox.accounts import AccountScript, Approve, CardScript, Decline
from tests.fixtures.stripe import Shop
from tests.sweep.conftest import Checked, Sent, SomeRuns
from workflows.case import Outcome, Reason, Verdict
from workflows.steps import PayKind

FUNDS = Decline(decline_code="insufficient_funds")
PAYS = AccountScript(card=CardScript(outcomes=(FUNDS, Approve())))


@pytest.fixture
async def paid(shop: Shop) -> Checked:
    """Our charge paid it, and its case is closed."""
    invoice = await shop.failed(PAYS)
    result = await invoice.pay(await invoice.decided())
    assert result.kind is PayKind.PAID
    await shop.records.close_case(invoice.ref, Outcome.RECOVERED, "paid")
    return Checked(shop, invoice, SomeRuns())


async def test_an_installation_that_keeps_its_promises_has_nothing_to_report(checked: Checked):
    assert await checked.broken() == []


async def test_a_recovered_invoice_has_nothing_to_report(paid: Checked):
    report = await paid.report()

    assert report.broken == ()
    assert report.charges == 1


async def test_an_invoice_charged_twice_is_found(paid: Checked, monkeypatch: pytest.MonkeyPatch):
    """Stripe as it should never be: two charges under two keys of ours, both paid."""
    from activities import promises
    from activities.promises import Charge

    async def two(_: object) -> list[Charge]:
        row = (await paid.shop.ledger.of(paid.invoice.id, "pay"))[0]
        first = (row.result or {})["charge"]
        return [Charge(first, row.key, True), Charge("ch_second", row.key, True)]

    monkeypatch.setattr(promises.Money, "_charges_of_ours", two)

    assert await paid.broken() == [
        "an invoice is charged at most once",
        "no key charges twice",
    ]


async def test_a_charge_under_our_mark_without_a_row_is_found(paid: Checked):
    await paid.sql("delete from dunning.effect where purpose = 'pay'")

    assert await paid.broken() == ["every charge of ours has a row in the ledger"]


async def test_a_done_charge_that_stripe_does_not_know_is_found(paid: Checked):
    await paid.sql(
        """update dunning.effect set result = jsonb_set(result, '{charge}', '"ch_never"')
           where purpose = 'pay'"""
    )

    assert await paid.broken() == ["what the ledger calls done has happened"]


async def test_a_charge_that_ended_otherwise_is_found(paid: Checked):
    await paid.sql(
        """update dunning.effect set result = jsonb_set(result, '{kind}', '"declined"')
           where purpose = 'pay'"""
    )

    assert await paid.broken() == ["what the ledger calls done has happened"]


async def test_an_effect_without_a_clear_answer_is_found_after_half_an_hour(checked: Checked):
    await checked.invoice.shop.goes_wrong("cut_before", times=None)
    with pytest.raises(AssertionError, match="no answer"):
        await checked.invoice.pay(await checked.invoice.decided(), tries=2)

    checked.later(minutes=29)
    assert await checked.broken() == []
    checked.later(minutes=2)
    assert await checked.broken() == ["every effect gets a clear answer"]


async def test_an_open_case_without_a_run_is_found(checked: Checked):
    checked.runs.alive.clear()
    assert await checked.broken() == []  # just opened: its run is on its way

    checked.later(minutes=6)

    assert await checked.broken() == ["every open case is being worked on"]


async def test_an_invoice_that_we_own_and_nobody_works_on_is_found(checked: Checked):
    await checked.shop.records.close_case(checked.invoice.ref, Outcome.HANDED_OVER, "Mine.")

    assert await checked.broken() == ["whose retries we took, we work on"]


async def test_a_settled_invoice_with_an_open_case_is_found_after_an_hour(checked: Checked):
    await checked.shop.sandbox.customer_pays(checked.invoice.id, tell_us=False)

    checked.later(minutes=59)
    assert await checked.broken() == []
    checked.later(minutes=2)
    assert await checked.broken() == ["a settled invoice closes its case"]


async def test_a_charge_that_nobody_approved_is_found(checked: Checked):
    order = await checked.invoice.decided()
    large = Verdict(
        action="schedule_retry", approval=(Reason(code="APPR_AMOUNT", text="It is large."),)
    )
    await checked.sql(
        "update dunning.decision set verdict = $1 where id = $2",
        large.model_dump(mode="json"), order.decision,
    )  # fmt: skip
    await checked.invoice.pay(order)

    assert await checked.broken() == ["what needs an approval waits for one"]

    await checked.shop.records.approve(order.decision, "approve", "dana", order.ref.now)
    assert await checked.broken() == []


@pytest.mark.parametrize("event", ["case_opened", "case_closed", "decided", "effect_done"])
async def test_a_line_missing_in_the_trail_is_found(paid: Checked, event: str):
    await paid.sql("delete from dunning.audit where event = $1", event)

    assert set(await paid.broken()) == {"the trail tells everything"}


async def test_a_mail_that_is_not_in_the_mailbox_is_found(checked: Checked):
    await checked.sql(
        """insert into dunning.effect (invoice, purpose, ordinal, cycle, state, result, case_at)
           values ($1, 'mail:handoff', 1, 1, 'done', '{"kind": "sent"}', now())""",
        checked.invoice.id,
    )
    pool = checked.shop.records.pool

    assert (await MailPromises(pool, Sent()).check()).broken == ()
    (broken,) = (await MailPromises(pool, Sent(there=False)).check()).broken
    assert "mail 1 (handoff) was sent" in broken.sentence


async def test_a_check_reads_no_more_than_it_may_and_says_what_it_left_out(checked: Checked):
    report = await checked.report(most_reads=0)

    assert report.reads == 0
    assert report.left_out == ("older charge events",)


# ── what the sweep reads back ───────────────────────────────────────────────────────────


async def test_a_charge_whose_answer_was_lost_is_read_back(shop: Shop):
    invoice = await shop.failed(PAYS)
    order = await invoice.decided()
    await shop.goes_wrong("cut_after")
    with pytest.raises(AssertionError, match="no answer"):
        await invoice.pay(order, tries=1)

    assert await shop.stripe.read_back(await invoice.effect(order), gone=False)

    effect = await invoice.effect(order)
    assert (effect.state, (effect.result or {})["kind"]) == ("done", PayKind.PAID)


async def test_a_charge_that_never_arrived_stays_open_for_its_run_and_ends_with_its_case(
    shop: Shop,
):
    invoice = await shop.failed(PAYS)
    order = await invoice.decided()
    await shop.goes_wrong("cut_before")
    with pytest.raises(AssertionError, match="no answer"):
        await invoice.pay(order, tries=1)

    assert not await shop.stripe.read_back(await invoice.effect(order), gone=False)
    assert not await shop.stripe.read_back(await invoice.effect(order), gone=True)  # too soon
    shop.clock.forward(timedelta(minutes=2))
    assert await shop.stripe.read_back(await invoice.effect(order), gone=True)

    assert ((await invoice.effect(order)).result or {})["kind"] == PayKind.SUPERSEDED
    assert await invoice.charges() == []


async def test_a_stale_charge_of_a_lost_run_does_not_block_the_next_decision(shop: Shop):
    invoice = await shop.failed(PAYS)
    await shop.goes_wrong("cut_before")
    lost = await invoice.decided()
    with pytest.raises(AssertionError, match="no answer"):
        await invoice.pay(lost, tries=1)

    await invoice.next_round()
    result = await invoice.pay(await invoice.decided())

    assert result.kind is PayKind.PAID
    assert len(await invoice.charges()) == 1
    assert (await invoice.effect(lost)).state == "done"


async def test_a_case_that_was_reset_after_it_closed_can_be_found_again(checked: Checked):
    records = checked.shop.records
    await records.close_case(checked.invoice.ref, Outcome.HANDED_OVER, "Dana has it.")
    assert await records.open_cases_touching(invoice=checked.invoice.id) == []

    assert await records.reopen(checked.invoice.id)

    assert await records.open_cases_touching(invoice=checked.invoice.id) == [checked.invoice.id]
    assert not await records.reopen(checked.invoice.id)
