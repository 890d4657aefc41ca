"""Reading from the sandbox's Stripe with the real SDK."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import stripe

from sandbox.accounts import AccountScript, CardScript, Decline, DisputeScript, PastInvoice
from sandbox.control import Sandbox
from tests.sandbox.conftest import stripe_for

LOST = Decline(
    decline_code="lost_card",
    advice_code="do_not_try_again",
    network_decline_code="41",
    network_advice_code="03",
)


async def test_a_failed_invoice_leads_to_its_decline_codes_in_one_call(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript(card=CardScript(outcomes=(LOST,))))
    await sandbox.fail(account.invoice)

    page = await stripe_client.v1.invoice_payments.list_async(
        {
            "invoice": account.invoice,
            "expand": [
                "data.payment.payment_intent.latest_charge",
                "data.payment.payment_intent.payment_method",
            ],
        }
    )

    intent = page.data[0].payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == "lost_card"
    assert intent.last_payment_error["network_advice_code"] == "03"
    assert intent.latest_charge.outcome.type == "issuer_declined"  # type: ignore[union-attr]
    assert intent.latest_charge.outcome.advice_code == "do_not_try_again"  # type: ignore[union-attr]


async def test_an_invoice_has_the_shape_of_the_pinned_api_version(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript(amount_minor=4900, currency="eur"))
    await sandbox.fail(account.invoice)

    plain = await stripe_client.v1.invoices.retrieve_async(account.invoice)
    rich = await stripe_client.v1.invoices.retrieve_async(
        account.invoice,
        {
            "expand": [
                "customer",
                "payments.data.payment.payment_intent",
                "parent.subscription_details.subscription",
                "default_payment_method",
            ]
        },
    )

    assert (plain.status, plain.amount_remaining, plain.currency) == ("open", 4900, "eur")
    assert plain.attempt_count == 1
    assert plain.next_payment_attempt is not None
    assert "payments" not in plain
    assert not hasattr(plain, "payment_intent")
    assert rich.parent.subscription_details.subscription.status == "past_due"  # type: ignore[union-attr]
    assert rich.customer.id == account.customer  # type: ignore[union-attr]
    assert rich.payments.data[0].payment.payment_intent.id == account.payment_intent  # type: ignore[union-attr]


async def test_expanding_five_levels_is_refused(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript())

    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        await stripe_client.v1.invoices.retrieve_async(
            account.invoice, {"expand": ["payments.data.payment.payment_intent.latest_charge"]}
        )
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        await stripe_client.v1.invoices.retrieve_async(
            account.invoice, {"expand": ["payment_intent"]}
        )


async def test_charges_can_be_listed_by_intent_and_by_customer(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript())
    await sandbox.add_account(AccountScript())
    await sandbox.fail(account.invoice)
    await sandbox.customer_is_declined(account.invoice)

    by_intent = await stripe_client.v1.charges.list_async(
        {"payment_intent": account.payment_intent}
    )
    by_customer = await stripe_client.v1.charges.list_async({"customer": account.customer})

    assert [c.id for c in by_intent.data] == [c.id for c in by_customer.data]
    assert [c.failure_code for c in by_intent.data] == ["card_declined", "card_declined"]
    newest = await stripe_client.v1.charges.retrieve_async(by_intent.data[0].id)
    assert newest.payment_method_details.card.last4 == "4242"  # type: ignore[union-attr]


async def test_a_dispute_shows_on_its_charge(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript(disputes=(DisputeScript(),)))

    charges = await stripe_client.v1.charges.list_async({"customer": account.customer})
    disputed = [charge for charge in charges.data if charge.disputed]
    disputes = await stripe_client.v1.disputes.list_async({"charge": disputed[0].id})

    assert [d.status for d in disputes.data] == ["needs_response"]


async def test_the_people_and_cards_around_an_invoice_can_be_read(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript(locale="de-DE", default_on="subscription"))
    assert account.subscription
    assert account.payment_method

    customer = await stripe_client.v1.customers.retrieve_async(account.customer)
    method = await stripe_client.v1.payment_methods.retrieve_async(account.payment_method)
    methods = await stripe_client.v1.customers.payment_methods.list_async(account.customer)
    subscription = await stripe_client.v1.subscriptions.retrieve_async(account.subscription)
    every = await stripe_client.v1.subscriptions.list_async({"customer": account.customer})

    assert customer.preferred_locales == ["de-DE"]
    assert customer.invoice_settings.default_payment_method is None  # type: ignore[union-attr]
    assert subscription.default_payment_method == method.id == methods.data[0].id
    assert subscription["items"].data[0].price.metadata["tier"] == "growth"
    assert [s.id for s in every.data] == [account.subscription]


@pytest.mark.parametrize("type", ["us_bank_account", "sepa_debit"])
async def test_a_bank_debit_fails_after_the_fact_and_without_a_decline_code(
    sandbox: Sandbox, stripe_client: stripe.StripeClient, type: str
) -> None:
    returned = Decline(code="insufficient_funds", network_decline_code="R01")
    script = CardScript.model_validate(
        {"type": type, "outcomes": [{"kind": "processing", "then": returned.model_dump()}]}
    )
    account = await sandbox.add_account(AccountScript(card=script))
    await sandbox.fail(account.invoice)

    intent = await stripe_client.v1.payment_intents.retrieve_async(
        account.payment_intent, {"expand": ["latest_charge"]}
    )

    assert intent.last_payment_error.code == "insufficient_funds"  # type: ignore[union-attr]
    assert "decline_code" not in intent.last_payment_error  # type: ignore[operator]
    assert intent.latest_charge.payment_method_details.type == type  # type: ignore[union-attr]


async def test_a_sweep_can_page_through_open_invoices(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    now = datetime.now(UTC)
    wanted = [
        (await sandbox.add_account(AccountScript(created=now - timedelta(days=day)))).invoice
        for day in (1, 2, 3)
    ]
    await sandbox.add_account(AccountScript(created=now - timedelta(days=90)))
    await sandbox.add_account(AccountScript(collection_method="send_invoice"))
    paid = await sandbox.add_account(AccountScript())
    await sandbox.customer_pays(paid.invoice)

    page = await stripe_client.v1.invoices.list_async(
        {
            "status": "open",
            "collection_method": "charge_automatically",
            "created": {"gte": int((now - timedelta(days=30)).timestamp())},
            "limit": 2,
        }
    )
    found = [invoice.id async for invoice in page.auto_paging_iter()]

    assert page.has_more
    assert found == wanted


async def test_invoices_can_be_listed_by_due_date(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    now = datetime.now(UTC)
    overdue = await sandbox.add_account(
        AccountScript(collection_method="send_invoice", due_date=now - timedelta(days=1))
    )
    await sandbox.add_account(AccountScript(collection_method="send_invoice"))

    page = await stripe_client.v1.invoices.list_async({"due_date": {"lt": int(now.timestamp())}})

    assert [invoice.id for invoice in page.data] == [overdue.invoice]


async def test_a_customers_history_lies_at_stripe_too(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    paid_at = datetime(2026, 9, 1, 8, tzinfo=UTC)
    history = (PastInvoice(amount_minor=4900, created=paid_at, paid_at=paid_at),)
    account = await sandbox.add_account(AccountScript(history=history))

    page = await stripe_client.v1.invoices.list_async(
        {"customer": account.customer, "status": "paid"}
    )

    assert [i.status_transitions.paid_at for i in page.data] == [int(paid_at.timestamp())]
    assert (await sandbox.effects()).charges == []


async def test_events_can_be_listed_by_type_and_by_delivery(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript())
    event = await sandbox.fail(account.invoice, tell_us=False)

    lost = await stripe_client.v1.events.list_async(
        {"types": ["invoice.payment_failed"], "delivery_success": False}
    )
    one = await stripe_client.v1.events.retrieve_async(event)

    assert [e.id for e in lost.data] == [event]
    assert one.data.object["id"] == account.invoice


async def test_test_mode_and_live_mode_do_not_see_each_other(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    live = await sandbox.add_account(AccountScript(livemode=True))

    with pytest.raises(stripe.InvalidRequestError, match="exists in live mode") as refused:
        await stripe_client.v1.invoices.retrieve_async(live.invoice)
    seen = await stripe_for(sandbox, "rk_live_000000000000").v1.invoices.retrieve_async(
        live.invoice
    )

    assert refused.value.http_status == 404
    assert refused.value.code == "resource_missing"
    assert seen.livemode


@pytest.mark.parametrize("key", ["sk_wrong_123456789012", "pk_test_123456789012", "x"])
async def test_other_keys_are_refused(sandbox: Sandbox, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError):
        await stripe_for(sandbox, key).v1.invoices.list_async()


async def test_requests_without_credentials_or_version_are_refused(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    del http.headers["Stripe-Version"]
    assert (await http.get("/v1/invoices")).status_code == 400
    del http.headers["Authorization"]
    assert (await http.get("/v1/invoices")).status_code == 401


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("statuss=open", "parameter_unknown"),
        ("created[from]=1", None),
        ("limit=many", "parameter_invalid_integer"),
        ("limit=101", "parameter_invalid_integer"),
        ("status=overdue", None),
        ("starting_after=in_unknown", "resource_missing"),
    ],
)
async def test_wrong_parameters_are_refused_as_stripe_does(
    http: httpx.AsyncClient, query: str, code: str | None
) -> None:
    refused = await http.get(f"/v1/invoices?{query}")

    assert refused.status_code == 400
    assert refused.json()["error"]["type"] == "invalid_request_error"
    assert refused.json()["error"].get("code") == code


async def test_an_unknown_url_is_a_404(http: httpx.AsyncClient) -> None:
    refused = await http.post("/v1/invoices/in_1/void")

    assert refused.status_code == 404
    assert "Unrecognized request URL" in refused.json()["error"]["message"]
