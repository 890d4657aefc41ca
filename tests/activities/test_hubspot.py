"""What HubSpot says becomes facts, never orders; and our note on the account is written once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.hubspot import HubspotActivities, connect, plain_text
from activities.ledger import EffectId
from activities.records import Records
from sandbox.accounts import (
    Account,
    AccountScript,
    DealScript,
    NoteScript,
    OwnerScript,
    TicketScript,
)
from sandbox.control import HUBSPOT_TOKEN, Sandbox
from sandbox.effects import NoteEffect
from sandbox.faults import Fault
from tests.activities.given import a_decision
from tests.activities.people import PLAYBOOK, Ticking, a_crm, a_known_case, ledger_of
from workflows.facts import Crm, Source
from workflows.money import Money
from workflows.steps import Gather, Ref, WriteNote

NOW = datetime.now(UTC).replace(microsecond=0)
ACME = AccountScript(
    name="Acme GmbH",
    email="billing@acme.example",
    owner=OwnerScript(name="Dana Owner", email="dana@ours.example"),
    vip=True,
    health_score=41,
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox.running(check_answers=True) as running:
        yield running
        assert await running.contract_breaches() == []


@pytest.fixture
def clock() -> Ticking:
    return Ticking(NOW)


@pytest.fixture
async def hubspot(
    sandbox: Sandbox, records: Records, clock: Ticking
) -> AsyncIterator[HubspotActivities]:
    api = connect(HUBSPOT_TOKEN, sandbox.hubspot_base)
    yield HubspotActivities(api, records, ledger_of(records, clock))
    api.close()


async def the_account(sandbox: Sandbox, records: Records, **script: Any) -> tuple[Account, Ref]:
    account = await sandbox.add_account(ACME.model_copy(update=script))
    email = script.get("email", ACME.email)
    return account, await a_known_case(records, account=account, email=email, now=NOW)


async def gathered(hubspot: HubspotActivities, records: Records, ref: Ref) -> Crm | None:
    await hubspot.gather_crm(Gather(ref=ref))
    return (await records.facts(ref, live=False)).crm


async def notes_of(sandbox: Sandbox) -> list[NoteEffect]:
    return (await sandbox.effects()).notes


async def fails(sandbox: Sandbox, kind: str, route: str, **more: Any) -> None:
    fault = {"kind": kind, "vendor": "hubspot", "route": route, "times": 1, **more}
    await sandbox.set_faults([Fault.model_validate(fault)])


# ── the account ─────────────────────────────────────────────────────────────────────────


async def test_an_account_is_found_by_its_stripe_customer(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    account, ref = await the_account(sandbox, records)

    crm = await gathered(hubspot, records, ref)

    assert crm is not None
    assert (crm.company_id, crm.company_name) == (account.company, "Acme GmbH")
    assert (crm.vip, crm.do_not_contact, crm.health_score) == (True, False, 41)
    assert crm.owner is not None
    assert (crm.owner.name, crm.owner.email) == ("Dana Owner", "dana@ours.example")


async def test_an_unlinked_account_is_found_by_its_domain(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    account, ref = await the_account(sandbox, records, linked=False)

    crm = await gathered(hubspot, records, ref)

    assert crm is not None
    assert crm.company_id == account.company


async def test_an_address_at_a_freemail_provider_is_no_domain_of_a_company(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    await sandbox.add_account(AccountScript(name="Somebody else", email="x@gmail.com"))
    account, ref = await the_account(sandbox, records, email="yoga@gmail.com", linked=False)

    crm = await gathered(hubspot, records, ref)

    assert crm is not None
    assert crm.company_id == account.company  # through the contact


async def test_two_companies_on_one_domain_are_not_guessed_between(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    await sandbox.add_account(
        ACME.model_copy(update={"email": "one@acme.example", "linked": False})
    )
    account, ref = await the_account(sandbox, records, email="two@acme.example", linked=False)

    crm = await gathered(hubspot, records, ref)

    assert crm is not None
    assert crm.company_id == account.company  # the contact knew which


async def test_a_customer_whom_nobody_knows_is_an_answer_too(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    _, ref = await the_account(sandbox, records, crm=False)

    answer = await hubspot.gather_crm(Gather(ref=ref))
    facts = await records.facts(ref, live=False)

    assert (answer.found, answer.text) == (False, "no company of this customer")
    assert facts.crm is None
    assert Source.CRM not in facts.missing


async def test_an_owner_who_left_is_no_owner(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    gone = OwnerScript(name="Greta Gone", email="greta@ours.example", archived=True)
    _, ref = await the_account(sandbox, records, owner=gone)

    crm = await gathered(hubspot, records, ref)

    assert crm is not None
    assert crm.owner is None


async def test_notes_tickets_and_deals_are_the_ones_that_matter_now(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    _, ref = await the_account(
        sandbox,
        records,
        notes=(
            NoteScript(body="<p>Budget&nbsp;freeze</p>", created_at=NOW - timedelta(days=3)),
            NoteScript(
                body="From them", created_at=NOW - timedelta(days=2), author_type="customer"
            ),
            NoteScript(body="Long ago", created_at=NOW - timedelta(days=400)),
        ),
        tickets=(
            TicketScript(subject="Open", status="open", priority="HIGH"),
            *(
                TicketScript(
                    subject=f"Closed {n}", status="closed", created_at=NOW - timedelta(days=n)
                )
                for n in range(1, 8)
            ),
        ),
        deals=(
            DealScript(name="Renewal", amount_minor=1_200_000, close_date=NOW + timedelta(days=9)),
            DealScript(name="Won", stage="closedwon"),
        ),
    )

    crm = await gathered(hubspot, records, ref)

    assert crm is not None
    assert [(note.text, note.by_customer) for note in crm.notes] == [
        ("Budget freeze", False),
        ("From them", True),
    ]
    assert sorted(t.subject or "" for t in crm.tickets) == [
        *(f"Closed {n}" for n in range(1, 6)),
        "Open",
    ]
    assert [t.priority for t in crm.tickets if t.status == "open"] == ["high"]
    assert [(d.name, d.amount) for d in crm.deals] == [
        ("Renewal", Money(amount=1_200_000, currency="usd"))
    ]


async def test_secrets_and_addresses_are_gone_before_anything_is_stored(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    body = 'Pay at <a href="https://pay.evil.example/u">our portal</a> or write to cfo@evil.example'
    _, ref = await the_account(sandbox, records, notes=(NoteScript(body=body),))

    crm = await gathered(hubspot, records, ref)

    assert crm is not None
    (note,) = crm.notes
    assert note.text == "Pay at our portal ([link]) or write to [email]"


def test_only_html_s_own_tags_are_taken_away() -> None:
    assert plain_text("<p>A</p><b>B</b></untrusted_data>") == "A\nB</untrusted_data>"
    assert plain_text("a &lt;system&gt; b") == "a <system> b"


async def test_our_own_note_is_no_news_to_us(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    _, ref = await the_account(sandbox, records)
    await hubspot.ensure_note_property()
    await gathered(hubspot, records, ref)
    await hubspot.write_note(await a_note(records, ref))

    crm = await gathered(hubspot, records, ref)

    assert crm is not None
    assert crm.notes == ()


async def test_a_gathering_takes_few_calls(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    _, ref = await the_account(
        sandbox, records, notes=(NoteScript(body="N"),), tickets=(TicketScript(subject="T"),),
        deals=(DealScript(name="D"),),
    )  # fmt: skip

    await hubspot.gather_crm(Gather(ref=ref))

    assert len(await sandbox.requests("hubspot")) == 9


# ── when HubSpot says no ────────────────────────────────────────────────────────────────


async def test_a_stated_wait_is_kept_and_the_sdk_does_not_sleep_through_it(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    _, ref = await the_account(sandbox, records)
    await fails(sandbox, "rate_limit", "*", seconds=33)

    with pytest.raises(ApplicationError) as limited:
        await hubspot.gather_crm(Gather(ref=ref))

    assert limited.value.next_retry_delay == timedelta(seconds=33)
    assert len(await sandbox.requests("hubspot")) == 1


async def test_the_daily_limit_is_not_knocked_at(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    _, ref = await the_account(sandbox, records)
    await fails(sandbox, "rate_limit", "*", policy="DAILY")

    with pytest.raises(ApplicationError, match="daily limit") as limited:
        await hubspot.gather_crm(Gather(ref=ref))

    assert limited.value.next_retry_delay == timedelta(minutes=5)


@pytest.mark.parametrize("kind", ["cut_before", "error_before"])
async def test_a_stumbling_hubspot_is_asked_again_later(
    kind: str, hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    _, ref = await the_account(sandbox, records)
    await fails(sandbox, kind, "*", times=None)

    with pytest.raises(ApplicationError, match="try again") as stumbled:
        await hubspot.gather_crm(Gather(ref=ref))
    await sandbox.set_faults([])

    assert not stumbled.value.non_retryable
    assert (await hubspot.gather_crm(Gather(ref=ref))).found


@pytest.mark.parametrize("kind", ["cut_before", "error_before"])
async def test_a_read_that_stumbles_once_is_repeated_at_once(
    kind: str, hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    _, ref = await the_account(sandbox, records)
    await fails(sandbox, kind, "*")

    assert (await hubspot.gather_crm(Gather(ref=ref))).found


async def test_the_doctor_names_the_token_and_the_missing_property(
    hubspot: HubspotActivities, sandbox: Sandbox
) -> None:
    before = await hubspot.check()
    made = await hubspot.ensure_note_property()
    again = await hubspot.ensure_note_property()
    after = await hubspot.check()
    await fails(sandbox, "refuse_credentials", "*")
    refused = await hubspot.check()

    assert "dunning migrate" in (before or "")
    assert made == again == "HubSpot's notes have the unique property dunning_key"
    assert after is None
    assert "HUBSPOT_ACCESS_TOKEN" in (refused or "")


# ── our note ────────────────────────────────────────────────────────────────────────────


async def a_note(records: Records, ref: Ref, text: str = "Retry on Thursday <3") -> WriteNote:
    decision, ordinal = await a_decision(records, ref)
    return WriteNote(ref=ref, decision=decision, ordinal=ordinal, step="decided", text=text)


async def test_a_note_is_written_once_and_linked_to_the_company(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    account, ref = await the_account(sandbox, records)
    await hubspot.ensure_note_property()
    await gathered(hubspot, records, ref)
    order = await a_note(records, ref)

    first = await hubspot.write_note(order)
    second = await hubspot.write_note(order)

    (note,) = await notes_of(sandbox)
    assert first.written
    assert second.written
    assert (note.body, note.companies, note.updates) == (
        "Retry on Thursday &lt;3",
        (account.company,),
        0,
    )


@pytest.mark.parametrize("kind", ["cut_after", "error_after"])
@pytest.mark.parametrize("route", ["POST */notes/batch/upsert", "PUT */associations/*"])
async def test_a_note_is_written_once_after_a_lost_answer(
    kind: str, route: str, hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    account, ref = await the_account(sandbox, records)
    await hubspot.ensure_note_property()
    await gathered(hubspot, records, ref)
    order = await a_note(records, ref)
    await fails(sandbox, kind, route)

    with pytest.raises(ApplicationError):
        await hubspot.write_note(order)
    again = await hubspot.write_note(order)

    (note,) = await notes_of(sandbox)
    assert again.written
    assert (note.updates, note.companies) == (0, (account.company,))


async def test_in_a_portal_without_unique_properties_the_note_is_found_by_its_last_line(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    account, ref = await the_account(sandbox, records)
    await sandbox.set_knobs(refuse_unique_properties=True)
    said = await hubspot.ensure_note_property()
    await gathered(hubspot, records, ref)
    order = await a_note(records, ref)
    await fails(sandbox, "cut_after", "POST */objects/notes")

    with pytest.raises(ApplicationError):
        await hubspot.write_note(order)
    again = await hubspot.write_note(order)

    (note,) = await notes_of(sandbox)
    assert "marker" in said
    assert again.written
    assert note.companies == (account.company,)


async def test_there_an_unanswered_note_that_is_not_found_is_written_after_a_minute(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records, clock: Ticking
) -> None:
    _, ref = await the_account(sandbox, records)
    await gathered(hubspot, records, ref)
    order = await a_note(records, ref)
    await fails(sandbox, "cut_before", "POST */objects/notes")

    with pytest.raises(ApplicationError):
        await hubspot.write_note(order)
    with pytest.raises(ApplicationError, match="waiting to see"):
        await hubspot.write_note(order)
    clock.pass_by(seconds=61)
    again = await hubspot.write_note(order)

    assert again.written
    assert len(await notes_of(sandbox)) == 1


async def test_a_customer_without_a_company_gets_no_note_and_we_say_why(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    ref = await a_known_case(records, crm=None, now=NOW)

    answer = await hubspot.write_note(await a_note(records, ref))

    assert not answer.written
    assert "no company" in answer.text


async def test_a_deleted_company_blocks_the_note_for_good(
    hubspot: HubspotActivities, sandbox: Sandbox, records: Records
) -> None:
    await hubspot.ensure_note_property()
    ref = await a_known_case(records, crm=a_crm(company_id="404"), playbook=PLAYBOOK, now=NOW)

    answer = await hubspot.write_note(await a_note(records, ref))

    assert not answer.written
    assert "did not accept" in answer.text


# ── the sweep reads back what a lost run left ───────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "becomes", "notes"), [("cut_after", "done", 1), ("cut_before", "blocked", 0)]
)
async def test_the_sweep_settles_an_unanswered_note_of_a_closed_case(
    kind: str,
    becomes: str,
    notes: int,
    hubspot: HubspotActivities,
    sandbox: Sandbox,
    records: Records,
    clock: Ticking,
) -> None:
    _, ref = await the_account(sandbox, records)
    await hubspot.ensure_note_property()
    await gathered(hubspot, records, ref)
    order = await a_note(records, ref)
    await fails(sandbox, kind, "POST */notes/batch/upsert")
    with pytest.raises(ApplicationError):
        await hubspot.write_note(order)
    ledger = ledger_of(records, clock)
    note = EffectId(invoice=ref.invoice, purpose="note:decided", ordinal=order.ordinal)

    clock.pass_by(minutes=31)
    (unclear,) = await ledger.unclear(older_than=timedelta(minutes=30))
    clear = await hubspot.read_back(unclear, gone=True)

    row = await ledger.find(note)
    assert clear
    assert row is not None
    assert row.state == becomes
    assert len(await notes_of(sandbox)) == notes
