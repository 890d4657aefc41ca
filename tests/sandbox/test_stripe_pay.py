"""Paying and updating invoices: every answer that Stripe's `pay` can give."""

from typing import Any

import httpx
import pytest
import stripe

from sandbox.accounts import (
    AccountScript,
    Approve,
    CardScript,
    Decline,
    Outcome,
    Processing,
    RequiresAction,
    good_card,
)
from sandbox.control import Sandbox, SandboxError

NO_FUNDS = Decline(
    decline_code="insufficient_funds", advice_code="try_again_later", network_decline_code="51"
)


def scripted(*outcomes: Outcome) -> AccountScript:
    return AccountScript(card=CardScript(outcomes=outcomes))


async def pay(client: stripe.StripeClient, invoice: str, key: str, **more: Any) -> stripe.Invoice:
    params: Any = {"off_session": True, **more}
    return await client.v1.invoices.pay_async(invoice, params, {"idempotency_key": key})


async def test_a_card_answers_as_scripted_attempt_by_attempt(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(NO_FUNDS, NO_FUNDS, Approve()))
    await sandbox.fail(account.invoice)

    with pytest.raises(stripe.CardError) as declined:
        await pay(stripe_client, account.invoice, "attempt-1")
    paid = await pay(stripe_client, account.invoice, "attempt-2")

    error = declined.value.error
    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
    assert error.decline_code == "insufficient_funds"  # type: ignore[union-attr]
    assert error["advice_code"] == "try_again_later"  # type: ignore[index]
    assert error["network_decline_code"] == "51"  # type: ignore[index]
    assert error.charge.startswith("ch_")  # type: ignore[union-attr]
    assert (paid.status, paid.amount_remaining, paid.attempt_count) == ("paid", 0, 1)
    charges = (await sandbox.effects()).charges_of(account.invoice)
    assert [(c.who, c.outcome, c.idempotency_key) for c in charges] == [
        ("stripe", "declined", None),
        ("ours", "declined", "attempt-1"),
        ("ours", "paid", "attempt-2"),
    ]


async def test_a_paid_invoice_cannot_be_paid_again_and_the_refusal_has_no_code(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(NO_FUNDS))
    await sandbox.fail(account.invoice)
    await sandbox.customer_pays(account.invoice)

    with pytest.raises(stripe.InvalidRequestError, match="Invoice is already paid") as refused:
        await pay(stripe_client, account.invoice, "late")

    assert refused.value.code is None
    assert (await sandbox.effects()).charges_of(account.invoice, who="ours") == []


async def test_a_void_invoice_cannot_be_paid_but_an_uncollectible_one_can(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    void = await sandbox.add_account(scripted(Approve()))
    written_off = await sandbox.add_account(scripted(Approve()))
    await sandbox.void(void.invoice)
    await sandbox.mark_uncollectible(written_off.invoice)

    with pytest.raises(stripe.InvalidRequestError, match="can no longer be paid"):
        await pay(stripe_client, void.invoice, "k1")
    paid = await pay(stripe_client, written_off.invoice, "k2")

    assert paid.status == "paid"


async def test_a_bank_that_wants_the_cardholder_is_a_402_and_no_charge(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(RequiresAction()))
    await sandbox.fail(account.invoice)

    with pytest.raises(stripe.CardError) as refused:
        await pay(stripe_client, account.invoice, "k")

    assert refused.value.code == "invoice_payment_intent_requires_action"
    intent = await stripe_client.v1.payment_intents.retrieve_async(account.payment_intent)
    assert intent.status == "requires_action"
    assert {e["type"] for e in await sandbox.events()} >= {
        "invoice.payment_action_required",
        "invoice.payment_failed",
    }


async def test_a_processing_payment_is_a_200_that_has_not_paid_until_it_settles(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(NO_FUNDS, Processing(then=Approve())))
    await sandbox.fail(account.invoice)

    pending = await pay(stripe_client, account.invoice, "k1")
    with pytest.raises(stripe.InvalidRequestError, match="still processing"):
        await pay(stripe_client, account.invoice, "k2")
    verdict = await sandbox.settle(account.invoice)

    assert pending.status == "open"
    assert verdict == "paid"
    assert (await sandbox.invoice(account.invoice))["status"] == "paid"


async def test_a_replaced_card_is_charged_only_where_it_is_the_default_or_named(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    script = scripted(NO_FUNDS).model_copy(update={"default_on": "subscription"})
    account = await sandbox.add_account(script)
    await sandbox.fail(account.invoice)
    new_card = await sandbox.replace_card(account.customer, good_card())

    with pytest.raises(stripe.CardError):  # the subscription's own default outranks it
        await pay(stripe_client, account.invoice, "k1")
    paid = await pay(stripe_client, account.invoice, "k2", payment_method=new_card)

    assert paid.status == "paid"


async def test_the_networks_updater_renews_the_card_behind_the_same_method(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(Decline(decline_code="expired_card")))
    await sandbox.fail(account.invoice)
    renewed = await sandbox.replace_card(account.customer, good_card("1881"), automatic=True)

    paid = await pay(stripe_client, account.invoice, "k")

    assert renewed == account.payment_method
    assert paid.status == "paid"
    assert (await sandbox.events("payment_method.automatically_updated"))[0]["data"][
        "previous_attributes"
    ]


async def test_another_customers_card_is_refused(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(NO_FUNDS))
    stranger = await sandbox.add_account(scripted(Approve()))

    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        await pay(stripe_client, account.invoice, "k", payment_method=stranger.payment_method)


async def test_an_account_without_a_card_cannot_be_charged(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript(card=None))
    await sandbox.fail(account.invoice)

    with pytest.raises(stripe.InvalidRequestError, match="no `default_payment_method`"):
        await pay(stripe_client, account.invoice, "k")

    assert (await sandbox.effects()).charges == []


@pytest.mark.parametrize("dangerous", ["forgive", "paid_out_of_band"])
async def test_pay_refuses_what_no_unattended_program_may_send(
    sandbox: Sandbox, stripe_client: stripe.StripeClient, dangerous: str
) -> None:
    account = await sandbox.add_account(scripted(Approve()))

    with pytest.raises(stripe.InvalidRequestError, match=dangerous):
        await pay(stripe_client, account.invoice, "k", **{dangerous: True})

    assert (await sandbox.invoice(account.invoice))["status"] == "open"


@pytest.mark.parametrize(
    "body",
    ["offsession=true", "off_session=maybe", "payment_method[]=pm_1", "expand[]=payment_intent"],
)
async def test_malformed_payments_are_refused_before_anything_happens(
    sandbox: Sandbox, http: httpx.AsyncClient, body: str
) -> None:
    account = await sandbox.add_account(scripted(Approve()))

    refused = await http.post(
        f"/v1/invoices/{account.invoice}/pay", content=body, headers={"Idempotency-Key": "k"}
    )

    assert refused.status_code == 400
    assert (await sandbox.effects()).charges == []


async def test_taking_ownership_stops_stripes_own_schedule_and_handing_back_resumes_it(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(NO_FUNDS))
    await sandbox.fail(account.invoice)

    taken = await stripe_client.v1.invoices.update_async(
        account.invoice, {"auto_advance": False, "metadata": {"dunning_owner": "us"}}
    )
    nothing = await sandbox.stripe_retries(account.invoice)
    back = await stripe_client.v1.invoices.update_async(
        account.invoice, {"auto_advance": True, "metadata": {"dunning_owner": ""}}
    )
    verdict = await sandbox.stripe_retries(account.invoice)

    assert (taken.auto_advance, taken.next_payment_attempt) == (False, None)
    assert taken.to_dict()["metadata"] == {"dunning_owner": "us"}
    assert nothing is None
    assert back.next_payment_attempt is not None
    assert back.to_dict()["metadata"] == {}
    assert verdict == "declined"
    assert (await sandbox.invoice(account.invoice))["attempt_count"] == 2


async def test_our_own_attempt_moves_neither_the_schedule_nor_the_count(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(NO_FUNDS))
    await sandbox.fail(account.invoice)
    before = await sandbox.invoice(account.invoice)

    with pytest.raises(stripe.CardError):
        await pay(stripe_client, account.invoice, "k")

    after = await sandbox.invoice(account.invoice)
    assert after["attempt_count"] == before["attempt_count"] == 1
    assert after["next_payment_attempt"] == before["next_payment_attempt"]


async def test_a_settled_invoice_refuses_auto_advance(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(NO_FUNDS))
    await sandbox.customer_pays(account.invoice)

    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.invoices.update_async(account.invoice, {"auto_advance": False})


async def test_cancelling_a_subscription_stops_collection_of_its_open_invoices(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(NO_FUNDS))
    await sandbox.fail(account.invoice)
    assert account.subscription
    await sandbox.cancel_subscription(account.subscription)

    invoice = await stripe_client.v1.invoices.retrieve_async(account.invoice)
    subscription = await stripe_client.v1.subscriptions.retrieve_async(account.subscription)

    assert (invoice.status, invoice.auto_advance) == ("open", False)
    assert subscription.status == "canceled"


async def test_paying_the_latest_invoice_cures_the_subscription(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(scripted(NO_FUNDS, Approve()))
    await sandbox.fail(account.invoice)
    await pay(stripe_client, account.invoice, "k")

    assert account.subscription
    subscription = await stripe_client.v1.subscriptions.retrieve_async(account.subscription)
    assert subscription.status == "active"


async def test_a_portal_session_can_be_minted(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript())

    session = await stripe_client.v1.billing_portal.sessions.create_async(
        {"customer": account.customer, "flow_data": {"type": "payment_method_update"}}
    )

    assert session.url.startswith(sandbox.url)


async def test_a_script_that_approves_at_once_has_nothing_to_fail(sandbox: Sandbox) -> None:
    account = await sandbox.add_account(scripted(Approve()))

    with pytest.raises(SandboxError, match="approves"):
        await sandbox.fail(account.invoice)

    assert (await sandbox.invoice(account.invoice))["status"] == "open"
