"""A test of the tests: each promise turns red when the world shows that it was broken."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proof.cast import OWNERS, SENDER
from proof.evidence import (
    AuditLine,
    CaseLine,
    DecisionLine,
    Done,
    Evidence,
    LedgerRow,
    Run,
    key_of,
)
from proof.plan import draw
from proof.world_check import judge
from sandbox.accounts import Account
from sandbox.effects import ChargeEffect, Effects, MailEffect, NoteEffect

INVOICE = "in_1"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CUSTOMER = "ap@acme.example"


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def charge(
    at: float = 10, outcome: str = "paid", ordinal: int = 1, **differs: object
) -> ChargeEffect:
    facts = {
        "at": after(at),
        "invoice": INVOICE,
        "customer": "cus_1",
        "charge": f"ch_{ordinal}",
        "payment_intent": "pi_1",
        "payment_method": "pm_1",
        "amount": 4_900,
        "currency": "usd",
        "outcome": outcome,
        "who": "ours",
        "idempotency_key": key_of(INVOICE, "pay", ordinal, 0),
    }
    return ChargeEffect.model_validate(facts | differs)


def mail(at: float = 5, purpose: str = "mail:handoff", **differs: object) -> MailEffect:
    facts = {
        "at": after(at),
        "sender": SENDER,
        "to": (OWNERS[0].email,),
        "subject": "Acme: $49.00 failed",
        "content_type": "text",
        "body": "Please call them. None of this is urgent for none of you.".replace(
            "None", "Not any"
        ),
        "key": key_of(INVOICE, purpose, 1, 0),
        "internet_message_id": "<1@x>",
        "conversation_id": "c",
        "message_id": "m",
    }
    return MailEffect.model_validate(facts | differs)


def note(**differs: object) -> NoteEffect:
    key = key_of(INVOICE, "note:decided", 1, 0)
    facts = {"at": after(6), "note": "n1", "body": "We wait.", "key": key, "companies": ("7",)}
    return NoteEffect.model_validate(facts | differs)


def row(purpose: str, kind: str = "", state: str = "done", ordinal: int = 1) -> LedgerRow:
    return LedgerRow(
        invoice=INVOICE,
        purpose=purpose,
        ordinal=ordinal,
        epoch=0,
        state=state,
        before={"remaining": 4_900},
        result={"kind": kind} if kind else {},
        external_id=None,
        reason="",
        first_try=after(4),
        last_try=after(4),
        created_at=after(3),
    )


def line(
    seq: int, event: str, detail: str = "", at: float = 4, decision: str | None = None
) -> AuditLine:
    return AuditLine(seq, after(at), after(at), INVOICE, "dunning", event, detail, decision)


def approval(at: float) -> AuditLine:
    return line(1, "approved", at=at, decision=f"{INVOICE}.1")


def without_line(seq: int) -> dict[int, AuditLine]:
    return {number: each for number, each in good().audit.items() if number != seq}


def told(*lines: AuditLine) -> dict[int, AuditLine]:
    return {each.seq: each for each in lines}


def good() -> Evidence:
    """A case in which everything went well: a handoff, a note, one charge that was paid."""
    account = Account(
        customer="cus_1", invoice=INVOICE, invoice_number="A-1", subscription=None,
        payment_method="pm_1", payment_intent="pi_1", company="7", contact=None, owner=None,
        email=CUSTOMER, hosted_invoice_url="https://pay.example",
    )  # fmt: skip
    intent = {"payment": {"payment_intent": {"latest_charge": "ch_1"}}}
    invoice = {"status": "paid", "currency": "usd", "metadata": {}, "auto_advance": False}
    return Evidence(
        plan=draw(1, cases=1, storm=10),
        accounts={0: account},
        effects=Effects(charges=[charge()], mails=[mail()], notes=[note()]),
        invoices={INVOICE: invoice | {"payments": {"data": [intent]}}},
        done=[Done(NOON, NOON, INVOICE, "fails", "done")],
        ledger=[row("pay", "paid"), row("mail:handoff", "sent"), row("note:decided")],
        cases={INVOICE: CaseLine(INVOICE, "closed", "recovered", 1, True, True)},
        decisions=[DecisionLine(f"{INVOICE}.1", INVOICE, 1, "schedule_retry", "policy", True)],
        audit=told(
            approval(at=3.5),
            line(2, "effect_done", "pay 1: paid"),
            line(3, "effect_done", "mail:handoff 1"),
            line(4, "effect_done", "note:decided 1"),
            line(5, "case_closed", "recovered", at=12),
        ),
        audit_copies=[told(approval(at=3.5))],
        tampering={"remove a line": False},
        runs={INVOICE: [Run(INVOICE, "run", "COMPLETED", "recovered")]},
        leaks=[],
        seen_in_the_open=0,
        caps={"max_our_attempts": 4, "max_attempts_per_invoice": 8},
    )


def broken(evidence: Evidence) -> list[str]:
    return [promise.code for promise in judge(evidence) if not promise.kept]


def with_effects(**more: object) -> Evidence:
    return replace(good(), effects=good().effects.model_copy(update=more))


def with_row(*rows: LedgerRow) -> Evidence:
    return replace(good(), ledger=[*good().ledger, *rows])


def test_a_good_case_breaks_no_promise():
    assert broken(good()) == []


FLAWS: dict[str, tuple[str, Callable[[], Evidence]]] = {
    "two charges were paid": ("I1", lambda: with_effects(charges=[charge(), charge(ordinal=2)])),
    "a charge has a key of nobody's": (
        "I2",
        lambda: with_effects(charges=[charge(idempotency_key="random")]),
    ),
    "a key asked the bank twice": (
        "I2",
        lambda: with_effects(charges=[charge(9, "declined"), charge()]),
    ),
    "we charged after it was paid": (
        "I3",
        lambda: with_effects(charges=[charge(), charge(13, "declined", ordinal=2)]),
    ),
    "a chasing mail came after it was paid": ("I3", lambda: with_effects(mails=[mail(at=12.5)])),
    "a mail was sent after the case was closed": (
        "I3",
        lambda: with_effects(mails=[mail(at=12.1, subject="Stand down")]),
    ),
    "the same mail was sent twice": ("I4", lambda: with_effects(mails=[mail(), mail()])),
    "a mail says None": ("I4", lambda: with_effects(mails=[mail(body="Dear None,")])),
    "a mail holds a template's bones": (
        "I4",
        lambda: with_effects(mails=[mail(body="Hi {{ x }}")]),
    ),
    "a mail is empty": ("I4", lambda: with_effects(mails=[mail(body=" ")])),
    "a mail went to a stranger": ("I4", lambda: with_effects(mails=[mail(to=("evil@x.example",))])),
    "a colleague's mail went to the customer": (
        "I4",
        lambda: with_effects(mails=[mail(to=(CUSTOMER,))]),
    ),
    "a note was written twice": ("I5", lambda: with_effects(notes=[note(), note(note="n2")])),
    "a failed invoice has no case": ("I6", lambda: replace(good(), cases={}, runs={})),
    "a failed invoice has two runs": (
        "I6",
        lambda: replace(good(), runs={INVOICE: [*good().runs[INVOICE]] * 2}),
    ),
    "a case did not end": (
        "I6",
        lambda: replace(good(), runs={INVOICE: [Run(INVOICE, "run", "RUNNING", None)]}),
    ),
    "a charge is done in our books only": (
        "I7",
        lambda: with_row(row("pay", "declined", ordinal=2)),
    ),
    "a mail left and our books say it did not": (
        "I7",
        lambda: replace(
            good(),
            ledger=[good().ledger[0], row("mail:handoff", state="blocked"), good().ledger[2]],
        ),
    ),
    "an audit line is gone": ("I8", lambda: replace(good(), audit_copies=[told(line(99, "gone"))])),
    "the database let somebody tamper": (
        "I8",
        lambda: replace(good(), tampering={"remove a line": True}),
    ),
    "it was charged without the approval": (
        "I8",
        lambda: replace(good(), audit=without_line(1), audit_copies=[]),
    ),
    "it was charged before the approval": (
        "I8",
        lambda: replace(good(), audit=without_line(1) | told(approval(at=4.5)), audit_copies=[]),
    ),
    "a name lies in a log": ("I9", lambda: replace(good(), leaks=["worker-1.1.log"])),
    "our books have more money than the banks": (
        "I10",
        lambda: with_row(row("pay", "paid", ordinal=2)),
    ),
    "our charge paid, the case says otherwise": (
        "I10",
        lambda: replace(
            good(),
            cases={INVOICE: CaseLine(INVOICE, "closed", "exhausted", 1, False, True)},
            runs={INVOICE: [Run(INVOICE, "run", "COMPLETED", "exhausted")]},
        ),
    ),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_broken_promise_is_found(flaw: str):
    code, evidence = FLAWS[flaw]

    assert code in broken(evidence())


def test_a_payment_by_the_customer_is_no_money_of_ours():
    evidence = with_effects(charges=[charge(who="customer", idempotency_key=None)])
    evidence = replace(evidence, ledger=evidence.ledger[1:])
    evidence.cases = {INVOICE: CaseLine(INVOICE, "closed", "paid_elsewhere", 1, True, True)}
    evidence.runs = {INVOICE: [Run(INVOICE, "run", "COMPLETED", "paid_elsewhere")]}

    assert broken(evidence) == []


@pytest.mark.parametrize(
    ("in_the_end", "ours_paid", "kept"),
    [("paid", True, True), ("declined", False, True), ("paid", False, False)],
)
def test_a_debit_whose_answer_was_lost_may_be_written_down_as_it_settled(
    in_the_end: str, ours_paid: bool, kept: bool
):
    evidence = with_effects(charges=[charge(outcome="processing")])
    settled = row("pay", in_the_end)
    evidence.ledger = [settled, *evidence.ledger[1:]]
    intent = {"payment": {"payment_intent": {"latest_charge": "ch_1"}}}
    other = {"payment": {"payment_intent": {"latest_charge": "ch_other"}}}
    paid_by = [intent] if ours_paid else [other]
    evidence.invoices = {INVOICE: {**evidence.invoices[INVOICE], "payments": {"data": paid_by}}}

    assert ("I7" not in broken(evidence)) is kept


@pytest.mark.parametrize(
    ("unheard", "status", "promises"),
    [(True, "paid", []), (True, "open", ["I6"]), (False, "paid", ["I6"])],
    ids=["paid before any sweep", "still open", "we were told"],
)
def test_only_what_was_settled_before_we_could_hear_of_it_needs_no_case(
    unheard: bool, status: str, promises: list[str]
):
    evidence = with_effects(
        charges=[charge(who="customer", idempotency_key=None)], mails=[], notes=[]
    )
    (member,) = evidence.plan.cast
    evidence.plan = replace(evidence.plan, cast=(replace(member, webhook_lost=unheard),))
    evidence.invoices = {INVOICE: {**evidence.invoices[INVOICE], "status": status}}
    evidence = replace(
        evidence, ledger=[], cases={}, decisions=[], audit={}, audit_copies=[], runs={}
    )

    assert broken(evidence) == promises
