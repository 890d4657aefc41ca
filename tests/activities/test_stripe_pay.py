"""A customer is charged once for a decision, whatever happens on the way."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from sandbox.accounts import (
    AccountScript,
    Approve,
    CardScript,
    Decline,
    PastInvoice,
    Processing,
    RequiresAction,
    good_card,
)
from sandbox.faults import Fault
from tests.fixtures.stripe import PAY, Shop
from workflows.playbook import Playbook, Retries
from workflows.steps import PayKind

FUNDS = Decline(decline_code="insufficient_funds", network_decline_code="51")
DECLINED_THEN_GOOD = AccountScript(card=CardScript(outcomes=(FUNDS, Approve())))
DECLINED_TWICE = AccountScript(card=CardScript(outcomes=(FUNDS, FUNDS, Approve())))

LOSSES = ("cut_before", "cut_after", "error_before", "error_after", "error_stored")


# ── the plain answers ───────────────────────────────────────────────────────────────────


async def test_a_charge_that_goes_through_is_paid_and_paid_once(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()

    first = await invoice.pay(order)
    again = await invoice.pay(order)

    assert first == again
    assert first.kind is PayKind.PAID
    assert first.text == "Our charge of 49.00 USD was paid."
    assert [charge.charge for charge in await invoice.charges()] == [first.charge]


async def test_a_decline_is_a_result_and_the_same_decision_never_asks_the_bank_again(shop: Shop):
    invoice = await shop.failed(DECLINED_TWICE)
    order = await invoice.decided()

    for _ in range(3):  # as after a workflow reset
        result = await invoice.pay(order)

    assert (result.kind, result.code) == (PayKind.DECLINED, "insufficient_funds")
    assert "insufficient" not in result.text
    assert len(await invoice.charges()) == 1


async def test_the_next_decision_is_another_charge_with_another_key(shop: Shop):
    invoice = await shop.failed(DECLINED_TWICE)
    await invoice.pay(await invoice.decided())
    await invoice.next_round()

    result = await invoice.pay(await invoice.decided())

    assert result.kind is PayKind.PAID
    keys = [charge.idempotency_key for charge in await invoice.charges()]
    assert len(set(keys)) == 2


async def test_a_bank_that_wants_the_cardholder_is_not_asked_again(shop: Shop):
    invoice = await shop.failed(AccountScript(card=CardScript(outcomes=(FUNDS, RequiresAction()))))
    order = await invoice.decided()

    assert (await invoice.pay(order)).kind is PayKind.REQUIRES_ACTION
    assert (await invoice.pay(order)).kind is PayKind.REQUIRES_ACTION
    assert len(await invoice.charges()) == 1


async def test_a_debit_that_takes_days_is_under_way_and_a_second_one_is_not_started(shop: Shop):
    returned = Decline(code="insufficient_funds", network_status="declined_by_network")
    debit = CardScript(type="us_bank_account", outcomes=(Processing(then=returned), Processing()))
    invoice = await shop.failed(AccountScript(card=debit))
    invoice.ref = invoice.ref.model_copy(update={"now": invoice.ref.now + timedelta(days=10)})
    first = await invoice.decided()

    assert (await invoice.pay(first)).kind is PayKind.PROCESSING

    await invoice.next_round()
    assert (await invoice.pay(await invoice.decided())).kind is PayKind.PROCESSING
    assert len(await invoice.charges()) == 1


# ── answers that get lost ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("times", [1, 2, 4])
async def test_whatever_answer_gets_lost_the_customer_pays_once(shop: Shop, loss: str, times: int):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong(loss, times=times)

    result = await invoice.pay(order)

    assert result.kind is PayKind.PAID
    assert result.charge is not None
    assert await invoice.charged_successfully() == 1
    assert len(await invoice.charges()) == 1


@pytest.mark.parametrize("loss", LOSSES)
async def test_whatever_answer_gets_lost_the_bank_is_asked_once_and_its_no_is_known(
    shop: Shop, loss: str
):
    invoice = await shop.failed(DECLINED_TWICE)
    order = await invoice.decided()
    await shop.goes_wrong(loss)

    result = await invoice.pay(order)

    assert (result.kind, result.code) == (PayKind.DECLINED, "insufficient_funds")
    assert len(await invoice.charges()) == 1


async def test_a_lost_answer_is_read_back_without_another_call(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("cut_after")

    await invoice.pay(order)

    calls = [line for line in await shop.sandbox.requests("stripe") if line.path.endswith("/pay")]
    assert len(calls) == 1


async def test_a_stored_500_is_asked_three_times_then_a_new_key_is_taken_after_a_rest(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("error_stored")  # once: Stripe itself answers it again for that key

    result = await invoice.pay(order)

    assert result.kind is PayKind.PAID
    calls = [line for line in await shop.sandbox.requests("stripe") if line.path.endswith("/pay")]
    keys = [call.idempotency_key for call in calls]
    assert [keys.count(key) for key in dict.fromkeys(keys)] == [3, 1]
    assert [call.replayed for call in calls] == [False, True, True, False]


async def test_a_new_key_is_never_taken_before_stripe_has_come_to_rest(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("error_stored")
    for _ in range(3):
        with pytest.raises(ApplicationError):
            await shop.stripe.pay_invoice(order)

    with pytest.raises(ApplicationError) as wait:
        await shop.stripe.pay_invoice(order)

    assert timedelta(seconds=55) < wait.value.next_retry_delay <= timedelta(seconds=60)
    assert (await invoice.effect(order)).epoch == 0


async def test_after_half_a_day_the_key_is_too_old_and_a_new_one_is_taken(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("cut_before")
    with pytest.raises(ApplicationError):
        await shop.stripe.pay_invoice(order)

    shop.clock.forward(timedelta(hours=13))

    assert (await shop.stripe.pay_invoice(order)).kind is PayKind.PAID
    assert (await invoice.effect(order)).epoch == 1


async def test_a_key_that_stripe_forgot_does_not_charge_twice(shop: Shop):
    invoice = await shop.failed(DECLINED_TWICE)  # a second charge would be paid
    order = await invoice.decided()
    await shop.goes_wrong("cut_after")
    with pytest.raises(ApplicationError):
        await shop.stripe.pay_invoice(order)

    await shop.sandbox.forget_idempotency_keys()
    shop.clock.forward(timedelta(hours=30))

    assert (await invoice.pay(order)).kind is PayKind.DECLINED
    assert len(await invoice.charges()) == 1


async def test_a_stripe_that_never_says_what_it_did_is_given_up_and_a_person_looks(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("error_stored", times=None)

    result = await invoice.pay(order, tries=60)

    assert result.kind is PayKind.UNCLEAR
    assert "A person must look" in result.text
    assert (await invoice.effect(order)).state == "unknown"
    assert await invoice.charges() == []

    await shop.all_is_well()
    assert (await invoice.pay(order)).kind is PayKind.UNCLEAR  # nobody charges behind their back


async def test_many_calls_at_once_make_one_charge(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.sandbox.set_faults([Fault(kind="latency", route=PAY, seconds=0.2, times=1)])

    answers = await asyncio.gather(
        *(shop.stripe.pay_invoice(order) for _ in range(6)), return_exceptions=True
    )

    assert any(getattr(answer, "kind", None) is PayKind.PAID for answer in answers)
    assert len(await invoice.charges()) == 1


async def test_a_limit_is_waited_out_as_long_as_stripe_asks(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.sandbox.set_faults([Fault(kind="rate_limit", route=PAY, seconds=17, times=1)])

    with pytest.raises(ApplicationError) as wait:
        await shop.stripe.pay_invoice(order)

    assert wait.value.next_retry_delay == timedelta(seconds=17)
    assert (await invoice.pay(order)).kind is PayKind.PAID


async def test_a_revoked_key_waits_and_tells_whom_to_ask(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("refuse_credentials")

    with pytest.raises(ApplicationError, match="Check STRIPE_API_KEY") as wait:
        await shop.stripe.pay_invoice(order)

    assert wait.value.next_retry_delay == timedelta(minutes=5)
    assert (await invoice.pay(order)).kind is PayKind.PAID


# ── the world moves between the decision and the charge ─────────────────────────────────


async def test_a_customer_who_paid_meanwhile_is_not_charged(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.sandbox.customer_pays(invoice.id, tell_us=False)

    result = await invoice.pay(order)

    assert result.kind is PayKind.SETTLED
    assert await invoice.charges() == []


async def test_a_customer_who_pays_between_our_look_and_our_call_pays_once(shop: Shop, monkeypatch):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    look = shop.stripe._reader.read_light

    async def look_and_be_overtaken(id):
        reading = await look(id)
        if await invoice.charged_successfully() == 0:
            await shop.sandbox.customer_pays(invoice.id, tell_us=False)
        return reading

    monkeypatch.setattr(shop.stripe._reader, "read_light", look_and_be_overtaken)

    result = await invoice.pay(order)

    assert result.kind is PayKind.SETTLED
    assert (await invoice.charged_successfully(), await invoice.charges()) == (1, [])


async def test_our_lost_success_is_ours_even_when_others_could_have_paid(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("cut_after")
    await invoice.pay(order)

    assert (await invoice.effect(order)).result["kind"] == "paid"


async def test_a_payment_by_the_customer_after_our_lost_call_is_not_claimed_as_ours(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("cut_before")
    with pytest.raises(ApplicationError):
        await shop.stripe.pay_invoice(order)
    await shop.sandbox.customer_pays(invoice.id, tell_us=False)

    assert (await invoice.pay(order)).kind is PayKind.SETTLED


@pytest.mark.parametrize(
    ("loss", "then_customer_pays", "kind"),
    [("cut_after", False, PayKind.PAID), ("cut_before", True, PayKind.SETTLED)],
)
async def test_a_key_that_may_not_read_events_still_tells_our_charge_from_the_customers(
    shop: Shop, monkeypatch, loss: str, then_customer_pays: bool, kind: PayKind
):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong(loss)
    with pytest.raises(ApplicationError):
        await shop.stripe.pay_invoice(order)
    if then_customer_pays:
        await shop.sandbox.customer_pays(invoice.id, tell_us=False)

    async def not_permitted(charge, at):
        return False, None

    monkeypatch.setattr(shop.stripe._reader, "key_of", not_permitted)

    assert (await invoice.pay(order)).kind is kind


async def test_a_smaller_amount_is_decided_again(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.sandbox.credit(invoice.id, 1000, tell_us=False)

    result = await invoice.pay(order)

    assert result.kind is PayKind.SUPERSEDED
    assert result.text == "The amount changed from 49.00 USD to 39.00 USD."
    assert await invoice.charges() == []


async def test_another_card_is_decided_again(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.sandbox.replace_card(invoice.account.customer, good_card(), tell_us=False)

    assert (await invoice.pay(order)).kind is PayKind.SUPERSEDED
    assert await invoice.charges() == []


async def test_an_amount_that_changes_after_an_unclear_try_is_decided_again_once_stripe_rests(
    shop: Shop,
):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("cut_before")
    with pytest.raises(ApplicationError):
        await shop.stripe.pay_invoice(order)
    await shop.sandbox.credit(invoice.id, 1000, tell_us=False)

    with pytest.raises(ApplicationError, match="no clear answer yet"):
        await shop.stripe.pay_invoice(order)

    assert (await invoice.pay(order)).kind is PayKind.SUPERSEDED
    assert await invoice.charges() == []


@pytest.mark.parametrize(
    "end", ["void", "mark_uncollectible", "cancel", "pause", "delete_customer"]
)
async def test_an_invoice_that_must_not_be_collected_is_left_alone(shop: Shop, end: str):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    stripe, account = shop.sandbox, invoice.account
    await {
        "void": lambda: stripe.void(invoice.id, tell_us=False),
        "mark_uncollectible": lambda: stripe.mark_uncollectible(invoice.id, tell_us=False),
        "cancel": lambda: stripe.cancel_subscription(account.subscription, tell_us=False),
        "pause": lambda: stripe.pause_collection(account.subscription, tell_us=False),
        "delete_customer": lambda: stripe.delete_customer(account.customer, tell_us=False),
    }[end]()

    result = await invoice.pay(order)

    assert result.kind is PayKind.SETTLED
    assert result.text
    assert await invoice.charges() == []


async def test_a_dispute_that_opened_meanwhile_stops_the_charge(shop: Shop):
    past = datetime(2026, 10, 1, tzinfo=UTC)
    script = DECLINED_THEN_GOOD.model_copy(
        update={"history": (PastInvoice(amount_minor=4900, created=past, paid_at=past),)}
    )
    invoice = await shop.failed(script)
    order = await invoice.decided()
    await shop.sandbox.open_dispute(invoice.account.customer, tell_us=False)

    result = await invoice.pay(order)

    assert result.kind is PayKind.SUPERSEDED
    assert "dispute" in result.text.lower()
    assert await invoice.charges() == []


async def test_a_card_that_was_just_declined_is_left_alone_for_a_day(shop: Shop):
    invoice = await shop.failed(DECLINED_TWICE)
    order = await invoice.decided()
    soon = order.model_copy(
        update={"ref": order.ref.model_copy(update={"now": invoice.ref.now + timedelta(hours=1)})}
    )

    assert (await invoice.pay(soon)).kind is PayKind.SUPERSEDED
    assert await invoice.charges() == []


async def test_two_retriers_never_hit_one_card(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.sandbox.set_auto_advance(invoice.id, True, tell_us=False)

    result = await invoice.pay(order)

    assert result.kind is PayKind.SUPERSEDED
    assert await invoice.charges() == []


async def test_where_stripe_owns_the_retries_we_never_charge(shop: Shop):
    theirs = Playbook(hash="theirs", retries=Retries(owner="stripe"))
    invoice = await shop.failed(DECLINED_THEN_GOOD, theirs)
    order = await invoice.decided()

    with pytest.raises(ApplicationError, match="Stripe retries, not we") as stop:
        await invoice.pay(order)

    assert stop.value.type == "Bug"
    assert await invoice.charges() == []


# ── one charge at a time ────────────────────────────────────────────────────────────────


async def test_a_second_decision_waits_until_the_first_charge_is_clear(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    first = await invoice.decided()
    await shop.goes_wrong("cut_before")
    with pytest.raises(ApplicationError):
        await shop.stripe.pay_invoice(first)
    await invoice.next_round()
    second = await invoice.decided()

    with pytest.raises(ApplicationError, match="no clear answer yet"):
        await shop.stripe.pay_invoice(second)
    assert await invoice.charges() == []

    assert (await invoice.pay(second)).kind is PayKind.PAID
    assert (await invoice.pay(first)).kind is PayKind.SUPERSEDED
    assert len(await invoice.charges()) == 1


async def test_a_second_decision_finds_that_the_first_charge_had_paid(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    first = await invoice.decided()
    second = first.model_copy(update={"ordinal": first.ordinal + 1})
    await shop.goes_wrong("cut_after")
    with pytest.raises(ApplicationError):
        await shop.stripe.pay_invoice(first)

    assert (await invoice.pay(second)).kind is PayKind.SETTLED
    assert (await invoice.pay(first)).kind is PayKind.PAID
    assert await invoice.charged_successfully() == 1


async def test_one_key_for_two_different_charges_is_a_bug_and_stops(shop: Shop, monkeypatch):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("error_stored")
    with pytest.raises(ApplicationError):
        await shop.stripe.pay_invoice(order)
    call = shop.stripe._invoices.pay_async

    async def differently(id, params, options):
        return await call(id, {**params, "expand": []}, options)

    monkeypatch.setattr(shop.stripe._invoices, "pay_async", differently)

    for _ in range(2):
        with pytest.raises(ApplicationError) as stop:
            await shop.stripe.pay_invoice(order)
        assert stop.value.type == "Bug"
    assert (await invoice.effect(order)).state == "blocked"


async def test_the_sweep_learns_what_became_of_an_unclear_charge(shop: Shop):
    invoice = await shop.failed(DECLINED_THEN_GOOD)
    order = await invoice.decided()
    await shop.goes_wrong("cut_after")
    with pytest.raises(ApplicationError):
        await shop.stripe.pay_invoice(order)
    shop.clock.forward(timedelta(minutes=31))

    [unclear] = await shop.ledger.unclear(older_than=timedelta(minutes=30))
    result = await shop.stripe.reconcile(unclear)

    assert result.kind is PayKind.PAID
    assert await shop.ledger.unclear(older_than=timedelta(0)) == []
