"""What goes wrong on purpose, as the vendors' real SDKs see it."""

import asyncio
from typing import Any

import httpx
import pytest
import stripe
from hubspot import HubSpot
from hubspot.crm.objects.notes import SimplePublicObjectInputForCreate
from hubspot.crm.owners.exceptions import ApiException, UnauthorizedException
from urllib3.exceptions import ProtocolError

from sandbox.accounts import AccountScript, Approve, CardScript
from sandbox.control import Sandbox
from sandbox.faults import Fault, Faults
from tests.sandbox.test_graph import DRAFT, MESSAGES

PAY = "POST /v1/invoices/*/pay"
GOOD_CARD = AccountScript(card=CardScript(outcomes=(Approve(),)))


async def pay(client: stripe.StripeClient, invoice: str) -> stripe.Invoice:
    options: stripe.RequestOptions = {"idempotency_key": "k"}
    return await client.v1.invoices.pay_async(invoice, {"off_session": True}, options)


async def test_a_connection_cut_before_the_effect_leaves_the_money_where_it_is(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(GOOD_CARD)
    await sandbox.set_faults([Fault(kind="cut_before", vendor="stripe", route=PAY, times=1)])

    with pytest.raises(stripe.APIConnectionError):
        await pay(stripe_client, account.invoice)

    assert (await sandbox.effects()).charges == []
    assert [line.status for line in await sandbox.requests("stripe")] == [None]
    assert (await pay(stripe_client, account.invoice)).status == "paid"


async def test_a_connection_cut_after_the_effect_has_moved_the_money_once(
    sandbox: Sandbox, stripe_client: stripe.StripeClient
) -> None:
    account = await sandbox.add_account(GOOD_CARD)
    await sandbox.set_faults([Fault(kind="cut_after", vendor="stripe", route=PAY, times=1)])

    with pytest.raises(stripe.APIConnectionError):
        await pay(stripe_client, account.invoice)
    replayed = await pay(stripe_client, account.invoice)

    assert replayed.status == "paid"
    assert len((await sandbox.effects()).charges) == 1


async def test_a_rate_limit_tells_how_long_to_wait(
    sandbox: Sandbox, stripe_client: stripe.StripeClient, hubspot: HubSpot, graph: httpx.AsyncClient
) -> None:
    await sandbox.set_faults([Fault(kind="rate_limit", seconds=7, policy="DAILY")])

    with pytest.raises(stripe.RateLimitError) as limited:
        await stripe_client.v1.invoices.list_async()
    with pytest.raises(ApiException) as hubspots:
        await asyncio.to_thread(hubspot.crm.owners.owners_api.get_page)
    throttled = await graph.get(MESSAGES)

    assert limited.value.error.code == "rate_limit"  # type: ignore[union-attr]
    assert limited.value.headers["retry-after"] == "7"  # type: ignore[index]
    assert (hubspots.value.status, hubspots.value.headers["Retry-After"]) == (429, "7")
    assert '"policyName":"DAILY"' in hubspots.value.body
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "7")


async def test_refused_credentials_look_like_a_revoked_key(
    sandbox: Sandbox, stripe_client: stripe.StripeClient, hubspot: HubSpot, graph: httpx.AsyncClient
) -> None:
    await sandbox.set_faults([Fault(kind="refuse_credentials")])

    with pytest.raises(stripe.AuthenticationError):
        await stripe_client.v1.invoices.list_async()
    with pytest.raises(UnauthorizedException):
        await asyncio.to_thread(hubspot.crm.owners.owners_api.get_page)
    assert (await graph.get(MESSAGES)).status_code == 401


async def test_a_mail_sent_behind_a_cut_connection_was_sent(
    sandbox: Sandbox, graph: httpx.AsyncClient
) -> None:
    draft = (await graph.post(MESSAGES, json=DRAFT)).json()
    send = f"{MESSAGES}/{draft['id']}/send"
    await sandbox.set_faults([Fault(kind="cut_after", route="POST */send", times=1)])

    with pytest.raises(httpx.TransportError):
        await graph.post(send)
    again = await graph.post(send)

    assert again.status_code == 404
    assert len((await sandbox.effects()).mails) == 1


async def test_a_server_error_after_a_note_was_written_hides_it(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    await sandbox.set_faults([Fault(kind="error_after", vendor="hubspot", times=1)])
    note = SimplePublicObjectInputForCreate(
        properties={"hs_timestamp": "2026-11-22T09:00:00Z", "hs_note_body": "Hello."},
        associations=[],
    )

    with pytest.raises(Exception, match="internal error"):
        await asyncio.to_thread(hubspot.crm.objects.notes.basic_api.create, note)

    assert [n.body for n in (await sandbox.effects()).notes] == ["Hello."]


async def test_a_blocking_sdk_sees_a_cut_connection(sandbox: Sandbox, hubspot: HubSpot) -> None:
    await sandbox.set_faults([Fault(kind="cut_before", vendor="hubspot")])

    with pytest.raises((ProtocolError, Exception), match="Connection"):
        await asyncio.to_thread(hubspot.crm.owners.owners_api.get_page)


async def test_latency_outlasts_an_impatient_client(
    sandbox: Sandbox, graph: httpx.AsyncClient
) -> None:
    await sandbox.set_faults([Fault(kind="latency", seconds=30)])

    with pytest.raises(httpx.ReadTimeout):
        await graph.get(MESSAGES, timeout=0.05)


async def test_faults_go_away(sandbox: Sandbox, graph: httpx.AsyncClient) -> None:
    await sandbox.set_faults([Fault(kind="error_before", times=2)])
    answers = [(await graph.get(MESSAGES)).status_code for _ in range(3)]
    await sandbox.set_faults([Fault(kind="error_before")])
    await sandbox.set_faults()

    assert answers == [500, 500, 200]
    assert (await graph.get(MESSAGES)).status_code == 200


def test_the_same_seed_brings_the_same_bad_luck() -> None:
    def draws(seed: int) -> list[Any]:
        faults = Faults(seed)
        faults.arm([Fault(kind="cut_after", probability=0.3)])
        return [faults.draw("stripe", "GET /v1/invoices") is not None for _ in range(50)]

    assert draws(7) == draws(7)
    assert draws(7) != draws(8)
    assert 5 < sum(draws(7)) < 25


def test_a_fault_concerns_its_vendor_and_route_only() -> None:
    faults = Faults()
    faults.arm([Fault(kind="cut_before", vendor="stripe", route=PAY)])

    assert faults.draw("hubspot", "POST /v1/invoices/in_1/pay") is None
    assert faults.draw("stripe", "GET /v1/invoices/in_1") is None
    assert faults.draw("stripe", "POST /v1/invoices/in_1/pay") is not None
