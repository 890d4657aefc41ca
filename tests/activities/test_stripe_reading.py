"""One look at Stripe tells everything the rules may know, in our own words."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.readings import CaseClock
from activities.stripe_api import API_VERSION, Gone
from sandbox.accounts import (
    AccountScript,
    Approve,
    CardScript,
    Decline,
    PastInvoice,
    RequiresAction,
    good_card,
)
from tests.activities.given import NOON, a_reading
from tests.fixtures.stripe import Shop
from workflows.case import Action, Outcome
from workflows.facts import Source
from workflows.steps import Gather, PayKind, PaymentState

FUNDS = Decline(
    decline_code="insufficient_funds",
    advice_code="try_again_later",
    network_decline_code="51",
    network_advice_code="02",
)
LAST_MONTH = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def reader(shop: Shop):
    return shop.stripe._reader


# ── what a look shows ───────────────────────────────────────────────────────────────────


async def test_a_decline_is_read_with_every_code_the_bank_and_network_gave(shop: Shop, reader):
    invoice = await shop.failed(
        AccountScript(card=CardScript(outcomes=(FUNDS,), brand="mastercard"))
    )

    failure = (await reader.read(invoice.id)).failure

    assert (failure.code, failure.decline_code) == ("card_declined", "insufficient_funds")
    assert (failure.advice_code, failure.network_decline_code) == ("try_again_later", "51")
    assert failure.network_advice_code == "02"
    assert (failure.outcome_type, failure.network_status) == (
        "issuer_declined",
        "declined_by_network",
    )


async def test_a_block_by_stripe_never_reached_the_bank(shop: Shop, reader):
    blocked = Decline(
        decline_code="generic_decline",
        outcome_type="blocked",
        network_status="not_sent_to_network",
        reason="highest_risk_level",
        risk_level="highest",
    )
    invoice = await shop.failed(AccountScript(card=CardScript(outcomes=(blocked,))))

    reading = await reader.read(invoice.id)

    assert [attempt.reached_network for attempt in reading.attempts] == [False]
    assert (reading.failure.outcome_type, reading.failure.risk_level) == ("blocked", "highest")


async def test_earlier_declines_keep_their_own_codes(shop: Shop, reader):
    honor = Decline(decline_code="do_not_honor")
    script = AccountScript(card=CardScript(outcomes=(FUNDS, honor)))
    invoice = await shop.failed_unowned(script)
    await shop.sandbox.stripe_retries(invoice.id, tell_us=False)

    reading = await reader.read(invoice.id)

    assert [attempt.code for attempt in reading.attempts] == ["insufficient_funds", "do_not_honor"]
    assert reading.failure.decline_code == "do_not_honor"


@pytest.mark.parametrize("place", ["customer", "subscription", "invoice"])
async def test_what_would_be_charged_next_follows_stripes_order(shop: Shop, reader, place):
    invoice = await shop.failed(AccountScript(default_on=place))
    first = (await reader.read(invoice.id)).payment_method
    await shop.sandbox.replace_card(
        invoice.account.customer, good_card("1881"), on="customer", tell_us=False
    )

    now = (await reader.read(invoice.id)).payment_method

    assert (now.last4 == "1881") == (place == "customer")
    assert first.id == invoice.account.payment_method


async def test_a_card_that_the_network_renewed_is_told_from_the_one_that_failed(shop: Shop, reader):
    invoice = await shop.failed(AccountScript(card=CardScript(exp_year=2026, exp_month=9)))
    before = await reader.read(invoice.id)
    await shop.sandbox.replace_card(
        invoice.account.customer, CardScript(exp_year=2031), automatic=True, tell_us=False
    )

    after = await reader.read(invoice.id)

    assert before.payment_method.updated_by is None
    assert after.payment_method.updated_by == "network_updater"
    assert after.card != before.card


async def test_charges_of_other_invoices_count_for_the_card_but_not_for_the_invoice(
    shop: Shop, reader
):
    paid = PastInvoice(amount_minor=4900, created=LAST_MONTH, paid_at=LAST_MONTH)
    unpaid = PastInvoice(amount_minor=1200, created=LAST_MONTH)
    invoice = await shop.failed(AccountScript(history=(paid, unpaid)))

    reading = await reader.read(invoice.id)

    assert [attempt.invoice for attempt in reading.attempts] == [None, invoice.id]
    assert len({attempt.fingerprint for attempt in reading.attempts}) == 1
    assert [other.remaining.plain for other in reading.other_open_invoices] == ["12.00 USD"]


async def test_an_invoice_without_a_card_can_be_read(shop: Shop, reader):
    invoice = await shop.failed(AccountScript(card=None))

    reading = await reader.read(invoice.id)

    assert reading.payment_method is reading.failure is reading.card is None


@pytest.mark.parametrize(("currency", "plain"), [("jpy", "4,900 JPY"), ("kwd", "4.900 KWD")])
async def test_amounts_stay_in_the_minor_unit_of_their_currency(
    shop: Shop, reader, currency, plain
):
    invoice = await shop.failed(AccountScript(currency=currency))

    assert (await reader.read(invoice.id)).invoice.remaining.plain == plain


async def test_a_debit_returned_by_the_bank_is_read(shop: Shop, reader):
    returned = Decline(code="insufficient_funds", decline_code=None)
    invoice = await shop.failed(
        AccountScript(card=CardScript(type="us_bank_account", outcomes=(returned,)))
    )

    reading = await reader.read(invoice.id)

    assert (reading.failure.code, reading.payment_method.type) == (
        "insufficient_funds",
        "us_bank_account",
    )


async def test_an_invoice_that_stripe_does_not_have_is_gone(reader):
    with pytest.raises(Gone):
        await reader.read("in_nowhere")


async def test_every_request_pins_the_version_and_a_look_is_a_handful_of_calls(shop: Shop, reader):
    invoice = await shop.failed_unowned()
    seen = len(await shop.sandbox.requests("stripe"))

    await reader.read_light(invoice.id)
    light = len(await shop.sandbox.requests("stripe")) - seen
    await reader.read(invoice.id)
    whole = len(await shop.sandbox.requests("stripe")) - seen - light

    assert (light, whole) == (3, 4)
    assert API_VERSION == "2026-10-28.endive"


async def test_every_post_we_ever_make_carries_a_key_of_the_ledger(shop: Shop):
    invoice = await shop.failed(AccountScript(card=CardScript(outcomes=(FUNDS, Approve()))))
    await invoice.pay(await invoice.decided())

    posts = [line for line in await shop.sandbox.requests("stripe") if line.method == "POST"]

    keys = {effect.key for effect in await shop.records.effects(invoice.id)}
    assert {post.idempotency_key for post in posts} == keys


# ── rechecking ──────────────────────────────────────────────────────────────────────────


async def test_a_recheck_finds_an_open_invoice_open_and_remembers_whose_it_is(shop: Shop):
    invoice = await shop.failed()

    seen = await invoice.recheck()

    assert seen.ending is None
    assert (seen.customer, seen.remaining.plain) == (invoice.account.customer, "49.00 USD")
    assert seen.payment is PaymentState.NONE
    assert await shop.records.open_cases_touching(charge=seen.latest_charge) == [invoice.id]


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ("paid", Outcome.PAID_ELSEWHERE),
        ("void", Outcome.NOT_COLLECTIBLE),
        ("deleted", Outcome.NOT_COLLECTIBLE),
        ("customer deleted", Outcome.NOT_COLLECTIBLE),
        ("cancelled", Outcome.SUBSCRIPTION_ENDED),
    ],
)
async def test_a_recheck_sees_that_it_is_over(shop: Shop, what: str, outcome: Outcome):
    invoice = await shop.failed()
    stripe, account = shop.sandbox, invoice.account
    await {
        "paid": lambda: stripe.customer_pays(invoice.id, tell_us=False),
        "void": lambda: stripe.void(invoice.id, tell_us=False),
        "deleted": lambda: stripe.delete_invoice(invoice.id, tell_us=False),
        "customer deleted": lambda: stripe.delete_customer(account.customer, tell_us=False),
        "cancelled": lambda: stripe.cancel_subscription(account.subscription, tell_us=False),
    }[what]()

    ending = (await invoice.recheck()).ending

    assert ending.outcome is outcome
    assert ending.text


async def test_a_recheck_shows_a_new_card_and_a_payment_under_way(shop: Shop):
    invoice = await shop.failed(AccountScript(card=CardScript(outcomes=(FUNDS, RequiresAction()))))
    before = await invoice.recheck()
    await invoice.pay(await invoice.decided())
    action = await invoice.recheck()
    await shop.sandbox.replace_card(invoice.account.customer, good_card(), tell_us=False)

    after = await invoice.recheck()

    assert action.payment is PaymentState.REQUIRES_ACTION
    assert after.card != before.card


async def test_before_an_act_the_rules_are_asked_again(shop: Shop):
    invoice = await shop.failed()
    await shop.stripe.gather_stripe(Gather(ref=invoice.ref))
    too_soon = await invoice.recheck(Action.SCHEDULE_RETRY)
    invoice.ref = invoice.ref.model_copy(update={"now": invoice.ref.now + timedelta(days=2)})

    due = await invoice.recheck(Action.SCHEDULE_RETRY)

    assert (too_soon.permitted, due.permitted) == (False, True)
    assert too_soon.objection
    assert too_soon.not_before > invoice.ref.now - timedelta(days=2)


async def test_stripe_being_down_is_waited_out(shop: Shop):
    invoice = await shop.failed()
    await shop.goes_wrong("error_before", "GET *", times=None)

    with pytest.raises(ApplicationError, match="We try again") as wait:
        await invoice.recheck()
    await shop.all_is_well()

    assert not wait.value.non_retryable
    assert (await invoice.recheck()).ending is None


async def test_a_read_that_stumbles_once_is_repeated_at_once(shop: Shop):
    invoice = await shop.failed()
    await shop.goes_wrong("error_before", "GET *")

    assert (await invoice.recheck()).ending is None


# ── gathering ───────────────────────────────────────────────────────────────────────────


async def test_gathering_says_in_a_line_what_it_found(shop: Shop):
    invoice = await shop.failed(
        AccountScript(history=(PastInvoice(amount_minor=1200, created=LAST_MONTH),))
    )

    gathered = await shop.stripe.gather_stripe(Gather(ref=invoice.ref))

    assert gathered.source is Source.STRIPE
    assert gathered.text == (
        "1 attempt on this invoice, last: insufficient_funds; 1 other open invoice"
    )


async def test_on_a_fast_clock_our_charge_happened_when_the_case_says_it_did(shop: Shop):
    """A day of case time is a second of the world's: the rules must still see a day pass."""
    invoice = await shop.failed(AccountScript(card=CardScript(outcomes=(FUNDS, FUNDS, Approve()))))
    invoice.ref = invoice.ref.model_copy(update={"speed": 86_400.0})
    order = await invoice.decided()
    assert (await invoice.pay(order)).kind is PayKind.DECLINED

    await invoice.next_round()
    await shop.stripe.gather_stripe(Gather(ref=invoice.ref))
    facts = await shop.records.facts(invoice.ref, live=False)

    assert facts.attempts[-1].at == facts.failure.failed_at == order.ref.now
    assert facts.our_attempts == 1


def test_a_moment_between_two_known_ones_lies_as_far_along_on_the_case_clock():
    second, day = timedelta(seconds=1), timedelta(days=1)
    clock = CaseClock([(NOON, NOON), (NOON + 10 * second, NOON + 10 * day)], speed=86_400)

    assert clock.at(NOON - day) == NOON - day  # before the case the clocks agree
    assert clock.at(NOON + 5 * second) == NOON + 5 * day
    assert clock.at(NOON + 11 * second) == NOON + 10 * day + second


def test_in_production_nothing_is_translated_but_our_own_charges():
    ours = {"ch_1": NOON}
    clock = CaseClock([(NOON, NOON), (NOON, NOON + timedelta(days=1))], charges=ours, speed=1)

    on_case_clock = a_reading().on(clock, NOON)

    assert on_case_clock.attempts[0].at == NOON
    assert on_case_clock.invoice.created == a_reading().invoice.created


def test_nothing_a_reading_shows_is_later_than_its_case():
    early = NOON - timedelta(days=3)

    reading = a_reading().on(CaseClock(), early)

    assert reading.attempts[0].at == reading.failure.failed_at == reading.invoice.created == early
