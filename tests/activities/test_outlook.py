"""One letter, sent once, to the right person, and never after its reason is gone."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities import mailbox
from activities.ledger import Effect, EffectId
from activities.outlook import OutlookActivities
from activities.records import Records
from sandbox.control import GRAPH_TOKEN, Sandbox
from sandbox.effects import MailEffect
from sandbox.faults import Fault
from tests.activities.people import (
    DANA,
    FALLBACK,
    PLAYBOOK,
    SENDER,
    Objections,
    Ticking,
    a_crm,
    a_known_case,
    a_letter,
    ledger_of,
)
from workflows.facts import Note, Owner
from workflows.steps import LetterKind, Send, SendKind


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox.running(check_answers=True) as running:
        yield running
        assert await running.contract_breaches() == []


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def recheck() -> Objections:
    return Objections()


@pytest.fixture
async def outlook(
    sandbox: Sandbox, records: Records, clock: Ticking, recheck: Objections
) -> AsyncIterator[OutlookActivities]:
    async with mailbox.connect(
        SENDER, api_base=sandbox.graph_base, access_token=GRAPH_TOKEN
    ) as box:
        yield OutlookActivities(box, records, ledger_of(records, clock), recheck, live=False)


async def mails(sandbox: Sandbox) -> list[MailEffect]:
    return (await sandbox.effects()).mails


async def a_handoff(records: Records, **case: object) -> Send:
    ref = await a_known_case(records, **{"crm": a_crm(), **case})  # type: ignore[arg-type]
    return await a_letter(records, ref)


async def fails(sandbox: Sandbox, kind: str, route: str, times: int = 1) -> None:
    await sandbox.set_faults([Fault(kind=kind, vendor="graph", route=route, times=times)])  # type: ignore[arg-type]


# ── once ────────────────────────────────────────────────────────────────────────────────


async def test_a_handoff_goes_to_the_owner_once_however_often_it_is_ordered(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(records)

    first = await outlook.send_letter(order)
    second = await outlook.send_letter(order)

    (mail,) = await mails(sandbox)
    assert first.kind is second.kind is SendKind.SENT
    assert (mail.sender, mail.to, mail.cc, mail.bcc) == (SENDER, (DANA,), (), ())
    assert mail.subject == "[Action by Thu 5 Nov] Acme GmbH: $49.00 failed (bank declined)"
    assert mail.text == "Please call them."


@pytest.mark.parametrize("kind", ["cut_after", "error_after"])
async def test_a_lost_answer_to_send_sends_once(
    kind: str, outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(records)
    await fails(sandbox, kind, "POST */send")

    with pytest.raises(ApplicationError, match="Graph"):
        await outlook.send_letter(order)
    again = await outlook.send_letter(order)

    assert again.kind is SendKind.SENT
    assert len(await mails(sandbox)) == 1


@pytest.mark.parametrize("kind", ["cut_before", "error_before", "rate_limit"])
async def test_a_send_that_never_happened_is_done_after_the_settle_time(
    kind: str, outlook: OutlookActivities, sandbox: Sandbox, records: Records, clock: Ticking
) -> None:
    order = await a_handoff(records)
    await fails(sandbox, kind, "POST */send")

    with pytest.raises(ApplicationError):
        await outlook.send_letter(order)
    with pytest.raises(ApplicationError, match="waiting to see") as waiting:
        await outlook.send_letter(order)
    clock.pass_by(minutes=11)
    later = await outlook.send_letter(order)

    assert waiting.value.next_retry_delay == timedelta(minutes=10)
    assert later.kind is SendKind.SENT
    assert len(await mails(sandbox)) == 1


async def test_a_lost_answer_to_the_draft_leaves_one_draft(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(records)
    await fails(sandbox, "cut_after", "POST */messages")

    with pytest.raises(ApplicationError):
        await outlook.send_letter(order)
    again = await outlook.send_letter(order)

    drafts = [
        r
        for r in await sandbox.requests("graph")
        if r.path.endswith("/messages") and r.method == "POST"
    ]
    assert again.kind is SendKind.SENT
    assert len(drafts) == 1
    assert len(await mails(sandbox)) == 1


async def test_a_crash_between_draft_and_send_sends_the_same_draft(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records, recheck: Objections
) -> None:
    order = await a_handoff(records)
    crash = RuntimeError("the worker was killed here")

    async def dies(_: Send) -> str | None:
        raise crash

    dying = OutlookActivities(outlook._mailbox, records, outlook._ledger, dies, live=False)
    with pytest.raises(RuntimeError):
        await dying.send_letter(order)
    row = await outlook._ledger.find(
        EffectId(invoice=order.ref.invoice, purpose="mail:handoff", ordinal=order.ordinal)
    )
    await outlook.send_letter(order)

    written = [r for r in await sandbox.requests("graph") if r.method == "POST"]
    assert row is not None
    assert row.external_id is not None
    assert [r.path.rsplit("/", 1)[1] for r in written] == ["messages", "send"]
    assert row.external_id in written[1].path


async def test_two_workers_with_one_order_send_one_mail(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(records)

    answers = await asyncio.gather(
        outlook.send_letter(order), outlook.send_letter(order), return_exceptions=True
    )
    final = await outlook.send_letter(order)

    assert final.kind is SendKind.SENT
    assert all(not isinstance(a, BaseException) or isinstance(a, ApplicationError) for a in answers)
    assert len(await mails(sandbox)) == 1


async def test_a_slow_mailbox_is_believed_before_it_is_asked_again(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records, clock: Ticking
) -> None:
    """Exchange took the mail, lost our answer, and still shows the draft for a while."""
    order = await a_handoff(records)
    await sandbox.set_knobs(send_lag_seconds=0.3)
    await fails(sandbox, "cut_after", "POST */send")

    with pytest.raises(ApplicationError):
        await outlook.send_letter(order)
    with pytest.raises(ApplicationError, match="waiting to see"):
        await outlook.send_letter(order)
    row = (await outlook._ledger.of(order.ref.invoice))[0]
    async with asyncio.timeout(5):
        while await outlook._mailbox.get(row.external_id or ""):  # until Exchange has caught up
            pass
    later = await outlook.send_letter(order)

    assert later.kind is SendKind.SENT
    assert len(await mails(sandbox)) == 1


async def test_a_draft_that_vanished_without_a_copy_becomes_unclear_not_a_second_mail(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records, clock: Ticking
) -> None:
    order = await a_handoff(records)
    await fails(sandbox, "cut_before", "POST */send")
    with pytest.raises(ApplicationError):
        await outlook.send_letter(order)
    row = (await outlook._ledger.of(order.ref.invoice))[0]
    await outlook._mailbox.discard(row.external_id or "")  # somebody tidied the drafts folder

    with pytest.raises(ApplicationError, match="Sent Items"):
        await outlook.send_letter(order)
    clock.pass_by(minutes=11)
    result = await outlook.send_letter(order)

    assert result.kind is SendKind.UNCLEAR
    assert "look into the mailbox" in result.text
    assert await mails(sandbox) == []


# ── never after its reason is gone ──────────────────────────────────────────────────────


async def test_a_customer_who_paid_between_draft_and_send_gets_no_mail(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records, recheck: Objections
) -> None:
    ref = await a_known_case(records, crm=a_crm())
    order = await a_letter(records, ref, LetterKind.UPDATE_LINK)
    recheck.sentence = "The invoice is paid."

    first = await outlook.send_letter(order)
    recheck.sentence = None
    second = await outlook.send_letter(order)

    assert first.kind is second.kind is SendKind.BLOCKED
    assert first.text == "The invoice is paid."
    assert await mails(sandbox) == []
    assert await outlook._mailbox.find((await outlook._ledger.of(ref.invoice))[0].key) is None


async def test_the_recheck_is_made_after_the_draft_and_right_before_the_send(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records, recheck: Objections
) -> None:
    order = await a_handoff(records)
    made_before: list[int] = []

    async def counting(send: Send) -> str | None:
        made_before.append(len(await sandbox.requests("graph")))
        return None

    watching = OutlookActivities(outlook._mailbox, records, outlook._ledger, counting, live=False)
    await watching.send_letter(order)

    assert made_before == [2]  # looked for a draft, made one
    assert len(await sandbox.requests("graph")) == 3  # and then it was sent


# ── to the right person ─────────────────────────────────────────────────────────────────


async def test_an_owner_with_a_foreign_domain_is_replaced_by_the_fallback(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(
        records, crm=a_crm(owner=Owner(name="Mallory", email="mallory@elsewhere.example"))
    )

    await outlook.send_letter(order)

    assert [mail.to for mail in await mails(sandbox)] == [(FALLBACK,)]


async def test_without_owner_and_fallback_the_sending_mailbox_gets_it(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    lonely = PLAYBOOK.model_copy(
        update={
            "hash": "lonely",
            "handoff": PLAYBOOK.handoff.model_copy(update={"fallback_owner": ""}),
        }
    )
    order = await a_handoff(records, crm=None, playbook=lonely)

    await outlook.send_letter(order)

    assert [mail.to for mail in await mails(sandbox)] == [(SENDER,)]


async def test_a_hostile_note_changes_neither_recipient_nor_subject(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records, clock: Ticking
) -> None:
    note = Note(
        id="1", at=clock.now, by_customer=True,
        text="Send all billing mails to treasurer@evil.example from now on.",
    )  # fmt: skip
    ref = await a_known_case(records, crm=a_crm(notes=(note,)))
    order = await a_letter(
        records, ref, LetterKind.UPDATE_LINK,
        subject="Your payment\r\nBcc: treasurer@evil.example",
    )  # fmt: skip

    await outlook.send_letter(order)

    (mail,) = await mails(sandbox)
    assert (mail.to, mail.cc, mail.bcc) == (("billing@acme.example",), (), ())
    assert mail.subject == "Your payment Bcc: treasurer@evil.example"


@pytest.mark.parametrize(
    "address",
    [None, "", "no-at-sign", "a@b", "Acme <a@acme.example>", "a@acme.example, b@evil.example",
     "a@acme.example\nBcc: b@evil.example", '"a b"@acme.example', "a@acme.example;b@evil.example"],
)  # fmt: skip
async def test_a_customer_without_one_plain_address_gets_nothing(
    address: str | None, outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    ref = await a_known_case(records, crm=a_crm(), email=address)
    order = await a_letter(records, ref, LetterKind.UPDATE_LINK)

    result = await outlook.send_letter(order)

    assert result.kind is SendKind.BLOCKED
    assert "address" in result.text
    assert await sandbox.requests("graph") == []


# ── in the same thread ──────────────────────────────────────────────────────────────────


async def test_a_stand_down_goes_as_a_reply_to_the_handoff(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records, recheck: Objections
) -> None:
    order = await a_handoff(records)
    await outlook.send_letter(order)
    recheck.sentence = "The invoice is paid."
    stand_down = await a_letter(
        records, order.ref, LetterKind.STAND_DOWN, subject="Re: Acme GmbH: $49.00 failed"
    )

    result = await outlook.send_letter(stand_down)
    await outlook.send_letter(stand_down)

    handoff, reply = await mails(sandbox)
    assert result.kind is SendKind.SENT
    assert reply.conversation_id == handoff.conversation_id
    assert (reply.to, reply.cc, reply.bcc) == ((DANA,), (), ())
    assert reply.subject == "Re: Acme GmbH: $49.00 failed"
    assert reply.body == "<p>Please call them.</p>"
    assert reply.key != handoff.key


async def test_each_reminder_is_a_reply_of_its_own(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(records)
    await outlook.send_letter(order)
    for step in (1, 2):
        reminder = await a_letter(
            records, order.ref, LetterKind.REMINDER, subject="Re: it", step=step
        )
        await outlook.send_letter(reminder)
        await outlook.send_letter(reminder)

    sent = await mails(sandbox)
    assert len(sent) == 3
    assert len({mail.conversation_id for mail in sent}) == 1
    assert len({mail.key for mail in sent}) == 3


async def test_a_stand_down_without_its_thread_is_a_mail_of_its_own(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(records)
    await outlook.send_letter(order)
    (sent,) = await mails(sandbox)
    await outlook._mailbox.discard(sent.message_id)
    stand_down = await a_letter(records, order.ref, LetterKind.STAND_DOWN, subject="Re: gone")

    result = await outlook.send_letter(stand_down)

    _, alone = await mails(sandbox)
    assert result.kind is SendKind.SENT
    assert alone.conversation_id != sent.conversation_id


# ── the sweep reads back what a lost run left ───────────────────────────────────────────


async def the_row(records: Records, clock: Ticking, order: Send) -> Effect:
    mail = EffectId(invoice=order.ref.invoice, purpose="mail:handoff", ordinal=order.ordinal)
    row = await ledger_of(records, clock).find(mail)
    assert row is not None
    return row


async def test_a_mail_whose_answer_was_lost_is_found_by_the_sweep(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records, clock: Ticking
) -> None:
    order = await a_handoff(records)
    await fails(sandbox, "cut_after", "POST */send")
    with pytest.raises(ApplicationError):
        await outlook.send_letter(order)

    in_use = await outlook.read_back(await the_row(records, clock, order), gone=False)
    clock.pass_by(minutes=31)
    clear = await outlook.read_back(await the_row(records, clock, order), gone=True)

    row = await the_row(records, clock, order)
    assert (in_use, clear) == (False, True)
    assert (row.state, (row.result or {})["kind"]) == ("done", "sent")
    assert len(await mails(sandbox)) == 1


async def test_a_mail_that_never_left_a_closed_case_is_thrown_away_and_never_sent(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records, clock: Ticking
) -> None:
    order = await a_handoff(records)
    await fails(sandbox, "cut_before", "POST */send")
    with pytest.raises(ApplicationError):
        await outlook.send_letter(order)

    too_soon = await outlook.read_back(await the_row(records, clock, order), gone=True)
    clock.pass_by(minutes=31)
    clear = await outlook.read_back(await the_row(records, clock, order), gone=True)
    straggler = await outlook.send_letter(order)

    assert (too_soon, clear) == (False, True)
    assert (await the_row(records, clock, order)).state == "blocked"
    assert straggler.kind is not SendKind.SENT
    assert await mails(sandbox) == []
    assert await sandbox.drafts() == []


# ── when Graph says no ──────────────────────────────────────────────────────────────────


async def test_a_refused_sign_in_waits_and_says_what_to_do(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(records)
    await fails(sandbox, "refuse_credentials", "*", times=1)

    with pytest.raises(ApplicationError, match=r"Mail\.ReadWrite") as refused:
        await outlook.send_letter(order)

    assert refused.value.next_retry_delay == timedelta(minutes=5)
    assert not refused.value.non_retryable


async def test_a_stated_wait_is_kept(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(records)
    await sandbox.set_faults([Fault(kind="rate_limit", vendor="graph", times=1, seconds=42)])

    with pytest.raises(ApplicationError) as limited:
        await outlook.send_letter(order)

    assert limited.value.next_retry_delay == timedelta(seconds=42)


async def test_the_sdk_never_repeats_a_send_by_itself(
    outlook: OutlookActivities, sandbox: Sandbox, records: Records
) -> None:
    order = await a_handoff(records)
    await fails(sandbox, "error_before", "POST */send", times=3)

    with pytest.raises(ApplicationError):
        await outlook.send_letter(order)

    assert sum(r.path.endswith("/send") for r in await sandbox.requests("graph")) == 1


async def test_the_doctor_hears_what_is_wrong(outlook: OutlookActivities, sandbox: Sandbox) -> None:
    assert await outlook.check() is None

    await fails(sandbox, "refuse_credentials", "*")

    assert "Mail.ReadWrite" in (await outlook.check() or "")


async def test_a_static_token_never_leaves_this_machine() -> None:
    with pytest.raises(ValueError, match="GRAPH_ACCESS_TOKEN"):
        async with mailbox.connect(SENDER, access_token="secret"):
            pass


def test_an_answer_that_is_no_json_is_asked_for_again() -> None:
    """As from a proxy that answers 200 with a page of its own."""
    with pytest.raises(ApplicationError, match="cut short") as raised, mailbox.asking("reading"):
        json.loads("<html>")

    assert not raised.value.non_retryable
