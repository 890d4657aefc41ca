"""The pages that people see, the control API, and the sandbox as a program of its own."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import ValidationError

from sandbox.accounts import (
    AccountScript,
    CardScript,
    Decline,
    DisputeScript,
    PastInvoice,
    TicketScript,
)
from sandbox.control import Sandbox, SandboxError
from tests.sandbox.conftest import Inbox


async def test_the_hosted_page_shows_on_get_and_pays_on_post(
    sandbox: Sandbox, inbox: Inbox
) -> None:
    account = await sandbox.add_account(AccountScript())
    await sandbox.fail(account.invoice)

    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as browser:
        opened = await browser.get(account.hosted_invoice_url)
        still_open = (await sandbox.invoice(account.invoice))["status"]
        paid = await browser.post(account.hosted_invoice_url)
        again = await browser.post(account.hosted_invoice_url)

    assert "<button>Pay</button>" in opened.text
    assert still_open == "open"
    assert "Paid. Thank you." in paid.text
    assert again.status_code == 409
    await inbox.has(2)
    assert inbox.types() == ["invoice.payment_failed", "invoice.paid"]
    assert [c.who for c in (await sandbox.effects()).charges] == ["stripe", "customer"]


async def test_the_hosted_page_escapes_what_scripts_contain(sandbox: Sandbox) -> None:
    script = AccountScript(description="<script>alert(1)</script>")
    account = await sandbox.add_account(script)

    async with httpx.AsyncClient(trust_env=False) as browser:
        opened = await browser.get(account.hosted_invoice_url)

    assert "<script>" not in opened.text


async def test_what_cannot_happen_is_refused_in_plain_words(sandbox: Sandbox) -> None:
    account = await sandbox.add_account(AccountScript())
    await sandbox.void(account.invoice)

    with pytest.raises(SandboxError, match=r"in_\w+ is void"):
        await sandbox.customer_pays(account.invoice)
    with pytest.raises(SandboxError, match="there is no in_unknown"):
        await sandbox.fail("in_unknown")
    with pytest.raises(SandboxError, match="nothing that could be disputed"):
        await sandbox.open_dispute(account.customer)
    with pytest.raises(SandboxError, match="no knob 'speed'"):
        await sandbox.set_knobs(speed=2)
    with pytest.raises(SandboxError, match="no payment is processing"):
        await sandbox.settle(account.invoice)


def test_a_misspelt_script_is_an_error() -> None:
    with pytest.raises(ValidationError, match="colour"):
        AccountScript.model_validate({"colour": "red"})
    with pytest.raises(ValidationError, match="outcome"):
        CardScript(outcomes=())


async def test_reset_empties_the_world_and_calms_it(sandbox: Sandbox) -> None:
    account = await sandbox.add_account(AccountScript())
    await sandbox.fail(account.invoice)
    await sandbox.set_knobs(search_lag_seconds=9)

    await sandbox.reset()

    effects = await sandbox.effects()
    assert (effects.charges, effects.mails, effects.notes) == ([], [], [])
    assert await sandbox.events() == []
    assert (await sandbox.set_knobs()).search_lag_seconds == 0
    await sandbox.add_account(AccountScript(tickets=(TicketScript(subject="Again"),)))


async def test_a_seed_makes_the_same_ids(sandbox: Sandbox) -> None:
    async def ids() -> str:
        async with Sandbox.running(seed="demo") as other:
            return (await other.add_account(AccountScript())).customer

    assert await ids() == await ids()
    assert (await sandbox.add_account(AccountScript())).customer != await ids()


async def test_stripes_schedule_really_charges_when_asked_to(sandbox: Sandbox) -> None:
    await sandbox.set_knobs(smart_retries=True)
    account = await sandbox.add_account(AccountScript())
    await sandbox.fail(account.invoice)

    await sandbox.set_clock(datetime.now(UTC) + timedelta(days=3))

    charges = (await sandbox.effects()).charges
    assert [c.who for c in charges] == ["stripe", "stripe"]
    assert (await sandbox.invoice(account.invoice))["attempt_count"] == 2


async def test_the_schedule_ends_after_eight_attempts(sandbox: Sandbox) -> None:
    account = await sandbox.add_account(AccountScript())
    await sandbox.fail(account.invoice)

    verdicts = [await sandbox.stripe_retries(account.invoice) for _ in range(9)]

    assert verdicts == ["declined"] * 7 + [None, None]
    assert (await sandbox.invoice(account.invoice))["attempt_count"] == 8


async def test_a_failed_first_invoice_leaves_the_subscription_incomplete(sandbox: Sandbox) -> None:
    account = await sandbox.add_account(AccountScript(billing_reason="subscription_create"))
    await sandbox.fail(account.invoice)

    subscription = (await sandbox.events("invoice.payment_failed"))[0]["data"]["object"]

    assert subscription["billing_reason"] == "subscription_create"


async def test_a_dispute_may_be_about_an_earlier_invoice(sandbox: Sandbox) -> None:
    paid = datetime(2026, 9, 1, tzinfo=UTC)
    account = await sandbox.add_account(
        AccountScript(history=(PastInvoice(amount_minor=100, created=paid, paid_at=paid),))
    )

    dispute = await sandbox.open_dispute(account.customer, reason="product_not_received")

    (event,) = await sandbox.events("charge.dispute.created")
    assert event["data"]["object"]["id"] == dispute
    assert event["data"]["object"]["amount"] == 100


async def test_adding_an_account_tells_nobody(sandbox: Sandbox, inbox: Inbox) -> None:
    await sandbox.add_account(AccountScript(disputes=(DisputeScript(),)))
    await sandbox.idle()

    assert inbox.raw == []


async def test_people_edit_the_crm(sandbox: Sandbox) -> None:
    account = await sandbox.add_account(AccountScript())
    assert account.company

    await sandbox.set_company(account.company, {"vip": "true"})
    await sandbox.add_note(account.company, "They will pay on Friday.", author_type="customer")

    assert (await sandbox.company(account.company))["vip"] == "true"
    assert (await sandbox.effects()).notes == []


async def test_a_hard_decline_can_be_told_from_a_block(sandbox: Sandbox) -> None:
    blocked = Decline(
        decline_code="generic_decline",
        outcome_type="blocked",
        network_status="not_sent_to_network",
        reason="previously_declined_do_not_retry",
    )
    account = await sandbox.add_account(AccountScript(card=CardScript(outcomes=(blocked,))))
    await sandbox.fail(account.invoice)

    (event,) = await sandbox.events("charge.failed")
    outcome = event["data"]["object"]["outcome"]

    assert (outcome["type"], outcome["network_status"]) == ("blocked", "not_sent_to_network")
    assert outcome["reason"] == "previously_declined_do_not_retry"


async def test_the_sandbox_runs_as_a_program() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    try:
        async with asyncio.timeout(20):
            line = (await program.stdout.readline()).decode()
        assert line.startswith("sandbox ready at http://127.0.0.1:")
        async with Sandbox(line.split()[-1]) as sandbox:
            account = await sandbox.add_account(AccountScript())
            assert account.hosted_invoice_url.startswith(sandbox.url)
    finally:
        program.terminate()
        code = await program.wait()
    assert code == 0
