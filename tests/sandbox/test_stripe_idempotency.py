"""Stripe's idempotency rules: replay, mismatch, conflict, expiry, stored and unstored errors."""

import asyncio

import httpx
import pytest
import stripe

from sandbox.accounts import AccountScript, Approve, CardScript, Decline
from sandbox.control import Sandbox
from sandbox.faults import Fault

NO_FUNDS = Decline(decline_code="insufficient_funds")
TWICE_DECLINED = AccountScript(card=CardScript(outcomes=(NO_FUNDS, NO_FUNDS, Approve())))
PAY = "POST /v1/invoices/*/pay"


async def post_pay(
    http: httpx.AsyncClient, invoice: str, key: str, body: str = "off_session=true"
) -> httpx.Response:
    return await http.post(
        f"/v1/invoices/{invoice}/pay",
        content=body,
        headers={"Idempotency-Key": key, "Content-Type": "application/x-www-form-urlencoded"},
    )


async def test_the_same_key_replays_a_decline_and_never_asks_the_bank_again(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    account = await sandbox.add_account(TWICE_DECLINED)
    await sandbox.fail(account.invoice)

    first = await post_pay(http, account.invoice, "k")
    again = await post_pay(http, account.invoice, "k")

    assert (first.status_code, again.status_code) == (402, 402)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["request-id"] == first.headers["request-id"]
    assert len((await sandbox.effects()).charges_of(account.invoice, who="ours")) == 1
    assert [line.replayed for line in await sandbox.requests("stripe")] == [False, True]


async def test_the_same_key_with_other_parameters_is_refused(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(AccountScript())
    options: stripe.RequestOptions = {"idempotency_key": "k"}
    await stripe_client.v1.invoices.update_async(account.invoice, {"auto_advance": False}, options)

    with pytest.raises(stripe.IdempotencyError):
        await stripe_client.v1.invoices.update_async(
            account.invoice, {"auto_advance": True}, options
        )


async def test_a_key_in_flight_is_a_409(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    account = await sandbox.add_account(TWICE_DECLINED)
    await sandbox.fail(account.invoice)
    await sandbox.set_faults([Fault(kind="latency", route=PAY, times=1, seconds=0.3)])

    answers = await asyncio.gather(
        post_pay(http, account.invoice, "k"), post_pay(http, account.invoice, "k")
    )

    assert sorted(answer.status_code for answer in answers) == [402, 409]
    conflict = next(answer for answer in answers if answer.status_code == 409)
    assert conflict.json()["error"]["code"] == "idempotency_key_in_use"
    assert len((await sandbox.effects()).charges_of(account.invoice, who="ours")) == 1


async def test_another_request_on_a_locked_invoice_is_a_lock_timeout(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    account = await sandbox.add_account(TWICE_DECLINED)
    await sandbox.fail(account.invoice)
    await sandbox.set_faults([Fault(kind="latency", route=PAY, times=1, seconds=0.3)])

    answers = await asyncio.gather(
        post_pay(http, account.invoice, "k1"), post_pay(http, account.invoice, "k2")
    )

    assert sorted(answer.status_code for answer in answers) == [402, 429]
    locked = next(answer for answer in answers if answer.status_code == 429)
    assert locked.json()["error"]["code"] == "lock_timeout"


async def test_a_forgotten_key_runs_again(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    account = await sandbox.add_account(TWICE_DECLINED)
    await sandbox.fail(account.invoice)

    await post_pay(http, account.invoice, "k")
    await sandbox.forget_idempotency_keys()
    again = await post_pay(http, account.invoice, "k")

    assert again.status_code == 200
    assert len((await sandbox.effects()).charges_of(account.invoice, who="ours")) == 2


async def test_keys_expire_after_their_time(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    await sandbox.set_knobs(idempotency_ttl_seconds=0)
    account = await sandbox.add_account(TWICE_DECLINED)
    await sandbox.fail(account.invoice)

    answers = [await post_pay(http, account.invoice, "k") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [402, 200]


async def test_a_stored_500_is_replayed_although_nothing_happened(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    account = await sandbox.add_account(TWICE_DECLINED)
    await sandbox.fail(account.invoice)
    await sandbox.set_faults([Fault(kind="error_stored", route=PAY, times=1)])

    answers = [await post_pay(http, account.invoice, "k") for _ in range(3)]
    fresh = await post_pay(http, account.invoice, "k2")

    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert fresh.status_code == 402
    assert len((await sandbox.effects()).charges_of(account.invoice, who="ours")) == 1


async def test_a_500_after_the_fact_hides_a_payment_that_happened(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    account = await sandbox.add_account(AccountScript(card=CardScript(outcomes=(Approve(),))))
    await sandbox.set_faults([Fault(kind="error_after", route=PAY, times=1)])

    answers = [await post_pay(http, account.invoice, "k") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [500, 500]
    assert (await sandbox.invoice(account.invoice))["status"] == "paid"


async def test_an_unstored_500_lets_the_same_key_run(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    account = await sandbox.add_account(TWICE_DECLINED)
    await sandbox.fail(account.invoice)
    await sandbox.set_faults([Fault(kind="error_before", route=PAY, times=1)])

    answers = [await post_pay(http, account.invoice, "k") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [500, 402]


async def test_a_request_that_failed_validation_leaves_its_key_free(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    account = await sandbox.add_account(TWICE_DECLINED)
    await sandbox.fail(account.invoice)

    refused = await post_pay(http, account.invoice, "k", "offsession=true")
    accepted = await post_pay(http, account.invoice, "k")

    assert (refused.status_code, accepted.status_code) == (400, 402)


async def test_a_post_without_a_key_is_refused(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    account = await sandbox.add_account(TWICE_DECLINED)

    refused = await http.post(f"/v1/invoices/{account.invoice}/pay")

    assert refused.status_code == 400
    assert "Idempotency-Key" in refused.json()["error"]["message"]
