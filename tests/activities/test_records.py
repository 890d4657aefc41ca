"""What we remember: cases, what was known, what was decided, what was written."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from activities.bookkeeping import BookkeepingActivities
from activities.database import Pool
from activities.ledger import EffectId, Ledger
from activities.records import Records
from tests.activities.given import (
    INVOICE,
    NOON,
    a_conclusion,
    a_decision,
    a_playbook,
    a_reading,
    a_ref,
    an_open_case,
)
from workflows.case import Action, DecidedBy, Outcome, Verdict
from workflows.facts import Billing, Source
from workflows.nouns import InvoiceId
from workflows.steps import Close, Entry, LetterKind, OpenCase, Record


@pytest.fixture
def books(records: Records) -> BookkeepingActivities:
    return BookkeepingActivities(records, current=lambda: a_playbook("today"))


def opening(run: str = "run-1", *, again: bool = False) -> OpenCase:
    return OpenCase(ref=a_ref(), workflow_id=f"dunning-{INVOICE}", run_id=run, again=again)


# ── opening and closing ─────────────────────────────────────────────────────────────────


async def test_the_same_run_may_ask_twice_and_hears_the_same(books, records):
    first = await books.open_case(opening())
    second = await books.open_case(opening())

    assert first == second
    assert first.cycle == 1
    assert [line.event for line in await records.audit_trail(INVOICE)] == ["case_opened"]


async def test_two_runs_that_open_one_case_at_once_make_one_case(books, records):
    await asyncio.gather(*(books.open_case(opening(f"run-{n}")) for n in range(8)))

    assert [case.cycle for case in await records.cases()] == [1]


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.HANDED_OVER])
async def test_a_case_that_a_person_closed_is_not_opened_by_the_next_event(books, records, outcome):
    await books.open_case(opening())
    await books.close_case(Close(ref=a_ref(), outcome=outcome, text="Dana has it."))

    asked_again = await books.open_case(opening("run-2"))

    assert asked_again.closed_before is outcome
    assert not (await records.case(INVOICE)).open


async def test_a_case_cancelled_in_temporal_counts_as_closed_by_a_person(books):
    await books.open_case(opening())
    await books.close_case(Close(ref=a_ref(), outcome=None, text="Cancelled."))

    assert (await books.open_case(opening("run-2"))).closed_before is Outcome.CANCELLED


async def test_a_person_can_open_a_closed_case_again_as_its_next_cycle(books):
    await books.open_case(opening())
    await books.close_case(Close(ref=a_ref(), outcome=Outcome.CANCELLED, text="Stop."))

    again = await books.open_case(opening("run-2", again=True))

    assert (again.cycle, again.closed_before) == (2, None)


async def test_an_invoice_that_fails_again_after_it_was_recovered_gets_a_new_cycle(books):
    await books.open_case(opening())
    await books.close_case(Close(ref=a_ref(), outcome=Outcome.RECOVERED, text="Paid."))

    assert (await books.open_case(opening("run-2"))).cycle == 2


async def test_a_reset_of_a_finished_run_goes_on_in_the_cycle_it_had(books):
    await books.open_case(opening())
    await books.close_case(Close(ref=a_ref(), outcome=Outcome.RECOVERED, text="Paid."))

    assert (await books.open_case(opening("run-1"))).cycle == 1


async def test_a_running_case_keeps_the_playbook_it_started_with(records):
    today = [a_playbook("monday")]
    books = BookkeepingActivities(records, current=lambda: today[0])
    await books.open_case(opening())

    today[0] = a_playbook("tuesday", owner="stripe")

    reset = await books.open_case(opening("run-2"))
    assert (reset.playbook, reset.ours) == ("monday", True)


async def test_a_run_that_takes_over_from_a_lost_one_starts_after_its_last_round(books, records):
    await books.open_case(opening())
    await a_decision(records, a_ref(round=1))
    await records.put_snapshot(a_ref(round=2), Source.CRM, False, None)

    taken_over = await books.open_case(opening("run-2"))
    await a_decision(records, a_ref(round=3))

    assert taken_over.round == 2
    assert await books.open_case(opening("run-2")) == taken_over


async def test_closing_twice_closes_once(books, records):
    await books.open_case(opening())
    entry = Entry(at=NOON, actor="dana@ourco.example", event="said", detail="I have it")

    for text in ("Dana has it.", "Something else."):
        await books.close_case(
            Close(ref=a_ref(), outcome=Outcome.HANDED_OVER, text=text, entries=(entry,))
        )

    told = [(line.event, line.detail) for line in await records.audit_trail(INVOICE)]
    assert told == [
        ("case_opened", ""),
        ("said", "I have it"),
        ("case_closed", "handed_over: Dana has it."),
    ]


async def test_a_step_of_recording_that_runs_twice_is_told_once(books, records):
    await books.open_case(opening())
    entries = (
        Entry(at=NOON, actor="dunning", event="retry_planned", detail="tomorrow"),
        Entry(at=NOON, actor="dunning", event="retry_planned", detail="the day after"),
    )

    for _ in range(2):
        await books.record(Record(ref=a_ref(), entries=entries))

    assert [line.detail for line in await records.audit_trail(INVOICE)][1:] == [
        "tomorrow",
        "the day after",
    ]


# ── finding the case an event is about ──────────────────────────────────────────────────


async def test_an_event_finds_its_case_by_any_id_that_we_have_seen(records):
    ref = await an_open_case(records)
    await records.note_identity(ref, a_reading())

    for touched in (
        {"invoice": INVOICE},
        {"customer": "cus_1"},
        {"payment_intent": "pi_1"},
        {"charge": "ch_1"},
        {"customer": "cus_elsewhere", "charge": "ch_1"},
    ):
        assert await records.open_cases_touching(**touched) == [INVOICE], touched


async def test_news_of_a_customer_reaches_every_open_case_of_theirs_and_no_closed_one(records):
    for invoice in ("in_1", "in_2", "in_3"):
        ref = await an_open_case(records, a_ref(invoice))
        await records.note_identity(ref, a_reading(invoice))
    await records.close_case(a_ref("in_2"), Outcome.RECOVERED, "Paid.")

    assert await records.open_cases_touching(customer="cus_1") == ["in_1", "in_3"]
    assert await records.open_cases_touching(charge="ch_unknown") == []


async def test_charges_once_seen_are_remembered_when_they_are_no_longer_listed(records):
    ref = await an_open_case(records)
    await records.note_identity(ref, a_reading())
    await records.note_identity(ref, a_reading(attempts=(), latest_charge="ch_2"))

    assert (await records.case(INVOICE)).charges == ("ch_1", "ch_2")


# ── what was known ──────────────────────────────────────────────────────────────────────


async def test_the_facts_of_a_round_never_hold_what_a_later_round_learnt(records):
    ref = await an_open_case(records)
    for round, tier in ((1, "growth"), (2, "enterprise")):
        at = a_ref(round=round)
        await records.put_snapshot(at, Source.STRIPE, True, a_reading().model_dump(mode="json"))
        billing = Billing(plan_tier=tier, plan_name=None, mrr=None, tenure_days=None)
        await records.put_snapshot(at, Source.BILLING, True, billing.model_dump(mode="json"))

    first = await records.facts(ref, live=False)

    assert first.billing.plan_tier == "growth"
    assert (await records.facts(a_ref(round=2), live=False)).billing.plan_tier == "enterprise"


async def test_a_source_that_answered_no_such_record_is_not_missing(records):
    ref = await an_open_case(records)
    await records.put_snapshot(ref, Source.STRIPE, True, a_reading().model_dump(mode="json"))
    await records.put_snapshot(ref, Source.CRM, False, None)

    facts = await records.facts(ref, live=False)

    assert facts.crm is None
    assert facts.missing == (Source.BILLING,)


async def test_an_answer_of_an_earlier_round_still_counts_while_the_source_is_down(records):
    ref = await an_open_case(records)
    await records.put_snapshot(ref, Source.STRIPE, True, a_reading().model_dump(mode="json"))
    billing = Billing(plan_tier="enterprise", plan_name=None, mrr=None, tenure_days=None)
    await records.put_snapshot(ref, Source.BILLING, True, billing.model_dump(mode="json"))

    facts = await records.facts(a_ref(round=2), live=False, missing=(Source.BILLING,))

    assert facts.billing == billing
    assert Source.BILLING in facts.missing


async def test_a_customer_with_two_invoices_is_known_to_have_been_mailed_about_either(
    records, ledger: Ledger
):
    for invoice in ("in_1", "in_2"):
        ref = await an_open_case(records, a_ref(invoice))
        await records.note_identity(ref, a_reading(invoice))
    mailed = EffectId(invoice=InvoiceId("in_2"), purpose="mail:update_link", ordinal=1)
    effect = await ledger.intend(mailed, cycle=1, case_at=NOON)
    await ledger.settle(effect, {"kind": "sent"})
    blocked = mailed.model_copy(update={"ordinal": 2})
    await ledger.settle(await ledger.intend(blocked, cycle=1, case_at=NOON), {"kind": "blocked"})

    await records.put_snapshot(a_ref(), Source.STRIPE, True, a_reading().model_dump(mode="json"))

    facts = await records.facts(a_ref(), live=False)
    assert [(mail.invoice, mail.at) for mail in facts.customer_mails] == [("in_2", NOON)]


# ── what was decided ────────────────────────────────────────────────────────────────────


async def test_a_decision_is_kept_as_it_was_first_made(records):
    ref = await an_open_case(records)
    await records.put_pack("pack-1", {"facts": ["E1"]})

    first = await records.put_decision(
        a_conclusion(ref), Verdict(action=Action.SCHEDULE_RETRY, at=NOON), "Payday."
    )
    second = await records.put_decision(
        a_conclusion(ref), Verdict(action=Action.ESCALATE_NOW), "The model changed its mind."
    )

    assert first == second
    assert first[:2] == (f"{INVOICE}.1", 1)
    assert [row.why for row in await records.decisions(INVOICE)] == ["Payday."]


async def test_ordinals_are_never_shared_and_go_on_over_rounds_overrides_and_cycles(records):
    await an_open_case(records)
    await records.put_pack("pack-1", {})
    places = [
        (a_ref(cycle=cycle, round=round), step)
        for cycle in (1, 2)
        for round in (1, 2)
        for step in (0, 1)
    ]

    made = await asyncio.gather(
        *(
            records.put_decision(
                a_conclusion(ref, step=step), Verdict(action=Action.ESCALATE_NOW), "."
            )
            for ref, step in places
        )
    )

    assert sorted(ordinal for _, ordinal, _ in made) == list(range(1, 9))


async def test_a_decision_tells_what_it_was_asked_with_and_what_that_cost(records):
    ref = await an_open_case(records)
    for tokens, cost in ((900, "0.010000"), (400, "0.004000")):
        await records.book_call(
            ref,
            purpose="decide",
            model="azure/gpt-5",
            prompts={"decide": "sha-1"},
            tokens_in=tokens,
            tokens_out=50,
            cost_usd=Decimal(cost),
        )
    await records.book_cost(INVOICE, Decimal("0.5"))

    decision, _ = await a_decision(records, ref)

    row = await records.decision(decision)
    assert (row.model, row.prompts) == ("azure/gpt-5", {"decide": "sha-1"})
    assert (row.tokens_in, row.tokens_out, row.cost_usd) == (1300, 100, Decimal("0.014"))
    assert await records.cost_of(INVOICE) == await records.cost_today() == Decimal("0.514")


async def test_the_first_answer_to_an_approval_stays(records):
    ref = await an_open_case(records)
    decision, _ = await a_decision(records, ref)

    await records.approve(decision, "approve", "dana@ourco.example", NOON)
    late = await records.approve(decision, "reject", "lee@ourco.example", NOON + timedelta(hours=1))

    assert (late.approval_verdict, late.approver) == ("approve", "dana@ourco.example")
    assert [line.event for line in await records.audit_trail(INVOICE)][-1] == "approved"


async def test_nobody_can_rewrite_a_decision(records, pool: Pool):
    ref = await an_open_case(records)
    decision, _ = await a_decision(records, ref)

    with pytest.raises(asyncpg.RaiseError, match="only its approval can be added"):
        await pool.execute("update dunning.decision set why = 'x' where id = $1", decision)


# ── what was written, and the trail ─────────────────────────────────────────────────────


async def test_a_letter_keeps_its_first_words(records):
    await an_open_case(records)

    async def write(subject: str) -> str:
        return await records.put_letter(
            invoice=INVOICE,
            ordinal=1,
            kind=LetterKind.UPDATE_LINK,
            subject=subject,
            body_text="Please update your card.",
            body_html="<p>Please update your card.</p>",
            written_by=DecidedBy.MODEL,
            at=NOON,
            checks=["amount"],
        )

    first = await write("Your invoice")
    second = await write("Another subject")

    assert first == second == f"{INVOICE}.1.update_link"
    letter = await records.letter(first)
    assert (letter.subject, letter.checks) == ("Your invoice", ["amount"])


@pytest.mark.parametrize(
    "attempt",
    [
        "update dunning.audit set detail = 'nothing happened'",
        "delete from dunning.audit",
        "truncate dunning.audit",
    ],
)
async def test_the_audit_trail_cannot_be_edited(records, pool: Pool, attempt: str):
    await an_open_case(records)

    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await pool.execute(attempt)


async def test_the_playbook_of_an_old_case_can_be_read_when_the_file_has_long_changed(
    records, pool: Pool
):
    await an_open_case(records, playbook=a_playbook("old", owner="stripe"))

    assert (await Records(pool).playbook_of(INVOICE)).retries.owner == "stripe"
