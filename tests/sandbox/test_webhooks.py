"""Events: signed, told again, lost, held back, falsified, and what they say about their cause."""

import httpx
import pytest
import stripe

from sandbox.accounts import AccountScript, CardScript, Decline
from sandbox.control import Sandbox
from tests.sandbox.conftest import API_VERSION, SECRET, Inbox

TWICE = AccountScript(card=CardScript(outcomes=(Decline(decline_code="insufficient_funds"),)))


async def test_a_failed_attempt_arrives_signed_and_verifiable(
    sandbox: Sandbox, inbox: Inbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(TWICE)

    event_id = await sandbox.fail(account.invoice)
    await inbox.has(1)

    body, signature = inbox.raw[0]
    event = stripe_client.construct_event(body, signature, SECRET)
    assert (event.id, event.type) == (event_id, "invoice.payment_failed")
    assert event.api_version == API_VERSION
    assert event.data.object["id"] == account.invoice
    assert "payments" not in event.data.object
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body.decode(), signature, "whsec_other")


async def test_an_event_says_which_of_our_requests_caused_it(
    sandbox: Sandbox, inbox: Inbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(TWICE)
    await sandbox.fail(account.invoice)
    with pytest.raises(stripe.CardError):
        await stripe_client.v1.invoices.pay_async(
            account.invoice, {"off_session": True}, {"idempotency_key": "ours-1"}
        )
    await inbox.has(2)

    causes = {e["request"]["idempotency_key"]: e["request"]["id"] for e in inbox.events}

    assert set(causes) == {None, "ours-1"}
    assert causes[None] is None
    assert causes["ours-1"].startswith("req_")


async def test_an_endpoint_that_refuses_is_tried_again(sandbox: Sandbox, inbox: Inbox) -> None:
    await sandbox.set_knobs(webhook_backoff_seconds=(0.01, 0.01, 0.01))
    inbox.refuse_next = 2
    account = await sandbox.add_account(TWICE)

    await sandbox.fail(account.invoice)
    await sandbox.idle()

    assert len(inbox.raw) == 3
    assert len({event["id"] for event in inbox.events}) == 1
    assert [line.status for line in await sandbox.deliveries()] == [503, 503, 200]


async def test_an_endpoint_that_always_refuses_leaves_the_event_undelivered(
    sandbox: Sandbox, inbox: Inbox, stripe_client: stripe.StripeClient
) -> None:
    await sandbox.set_knobs(webhook_backoff_seconds=(0.01,))
    inbox.refuse_next = 99
    account = await sandbox.add_account(TWICE)

    event = await sandbox.fail(account.invoice)
    await sandbox.idle()

    undelivered = await stripe_client.v1.events.list_async({"delivery_success": False})
    assert event in [e.id for e in undelivered.data]


async def test_a_lost_webhook_leaves_the_fact_and_tells_nobody(
    sandbox: Sandbox, inbox: Inbox
) -> None:
    account = await sandbox.add_account(TWICE)
    await sandbox.fail(account.invoice)

    await sandbox.customer_pays(account.invoice, tell_us=False)
    await sandbox.idle()

    assert inbox.types() == ["invoice.payment_failed"]
    assert (await sandbox.invoice(account.invoice))["status"] == "paid"


async def test_events_can_come_twice(sandbox: Sandbox, inbox: Inbox) -> None:
    account = await sandbox.add_account(TWICE)
    event = await sandbox.fail(account.invoice)

    await sandbox.deliver(event, times=2)
    await inbox.has(3)

    assert {e["id"] for e in inbox.events} == {event}


async def test_events_can_be_held_back_and_come_in_another_order(
    sandbox: Sandbox, inbox: Inbox
) -> None:
    account = await sandbox.add_account(TWICE)
    await sandbox.hold_events()
    failed = await sandbox.fail(account.invoice)
    await sandbox.customer_pays(account.invoice)
    assert inbox.raw == []

    (paid,) = [e["id"] for e in await sandbox.events("invoice.paid")]
    await sandbox.release_events([paid, failed])
    await inbox.has(2)

    assert sorted(inbox.types()) == ["invoice.paid", "invoice.payment_failed"]


async def test_a_falsified_event_tells_a_stale_story_in_another_version(
    sandbox: Sandbox, inbox: Inbox
) -> None:
    account = await sandbox.add_account(TWICE)
    await sandbox.customer_pays(account.invoice, tell_us=False)

    await sandbox.send_event(
        "invoice.payment_failed",
        account.invoice,
        times=2,
        api_version="2020-08-27",
        overrides={"status": "open"},
    )
    await inbox.has(2)

    assert [e["data"]["object"]["status"] for e in inbox.events] == ["open", "open"]
    assert {e["api_version"] for e in inbox.events} == {"2020-08-27"}
    assert len({e["id"] for e in inbox.events}) == 1


async def test_an_endpoint_gets_only_what_it_subscribed_to(sandbox: Sandbox, inbox: Inbox) -> None:
    account = await sandbox.add_account(TWICE)
    await sandbox.fail(account.invoice)
    await sandbox.customer_pays(account.invoice)
    await sandbox.idle()

    assert set(inbox.types()) == {"invoice.payment_failed", "invoice.paid"}
    assert len(await sandbox.events()) > 4


async def test_delivery_does_not_hold_up_the_answer(
    sandbox: Sandbox, inbox: Inbox, http: httpx.AsyncClient
) -> None:
    await sandbox.set_webhook("http://127.0.0.1:9/nobody-listens", SECRET)
    await sandbox.set_knobs(webhook_backoff_seconds=(60,))
    account = await sandbox.add_account(TWICE)
    await sandbox.fail(account.invoice)

    answer = await http.get(f"/v1/invoices/{account.invoice}")

    assert answer.json()["attempted"]


async def test_everything_that_can_happen_to_an_invoice_is_told(
    sandbox: Sandbox, inbox: Inbox
) -> None:
    await sandbox.set_webhook(inbox.url, SECRET)
    account = await sandbox.add_account(TWICE)
    assert account.subscription
    await sandbox.fail(account.invoice)
    await sandbox.credit(account.invoice, 100)
    await sandbox.set_auto_advance(account.invoice, False)
    await sandbox.pause_collection(account.subscription)
    await sandbox.cancel_subscription(account.subscription, at_period_end=True)
    await sandbox.customer_pays(account.invoice)
    dispute = await sandbox.open_dispute(account.customer)
    await sandbox.close_dispute(dispute, "lost")
    gone = await sandbox.add_account(TWICE)
    await sandbox.void(gone.invoice)
    await sandbox.delete_invoice(gone.invoice)
    await sandbox.delete_customer(gone.customer)
    await sandbox.idle()

    assert set(inbox.types()) >= {
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
        "invoice.updated",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "charge.succeeded",
        "invoice_payment.paid",
        "invoice.paid",
        "invoice.payment_succeeded",
        "charge.dispute.created",
        "charge.dispute.closed",
        "invoice.voided",
        "invoice.deleted",
        "customer.deleted",
    }
