"""Givens for tests of the people side: a case in our records, a letter, a clock."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from activities.ledger import Ledger
from activities.records import Records
from sandbox.accounts import Account
from tests.activities.given import NOON, a_decision, a_reading, a_ref
from workflows.case import Action, DecidedBy
from workflows.facts import Crm, Owner, Source
from workflows.nouns import CustomerId, InvoiceId
from workflows.playbook import Company, Handoff, Playbook
from workflows.steps import LetterKind, Ref, Send

SENDER = "billing@ours.example"
DANA = "dana@ours.example"
FALLBACK = "success@ours.example"
PLAYBOOK = Playbook(
    hash="people-1",
    company=Company(name="Northwind", signature="The Northwind team", timezone="America/New_York"),
    handoff=Handoff(fallback_owner=FALLBACK),
)


@dataclass
class Ticking:
    """A clock that a test moves."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Objections:
    """What a fresh look at Stripe says when a letter is about to go out."""

    sentence: str | None = None
    asked: list[Send] = field(default_factory=list)

    async def __call__(self, order: Send) -> str | None:
        self.asked.append(order)
        return self.sentence


def a_crm(**changes: object) -> Crm:
    known = Crm(
        company_id="77",
        company_name="Acme GmbH",
        lifecycle_stage="customer",
        owner=Owner(name="Dana Whitfield", email=DANA),
        vip=False,
        do_not_contact=False,
        marketing_opt_out=False,
        health_score=None,
    )
    return known.model_copy(update=changes)


async def a_known_case(
    records: Records,
    *,
    account: Account | None = None,
    crm: Crm | None = None,
    email: str | None = "billing@acme.example",
    playbook: Playbook = PLAYBOOK,
    now: datetime = NOON,
) -> Ref:
    """An open case whose Stripe and CRM answers are stored, as after a round of gathering."""
    invoice = account.invoice if account else "in_1"
    ref = a_ref(invoice, now=now)
    await records.open_case(
        ref, workflow_id=f"dunning-{invoice}", run_id="run-1", playbook=playbook
    )
    reading = a_reading(invoice)
    customer = reading.customer.model_copy(
        update={
            "email": email,
            "id": CustomerId(account.customer) if account else reading.customer.id,
        }
    )
    reading = reading.model_copy(update={"customer": customer, "taken_at": now})
    await records.note_identity(ref, reading)
    body = reading.model_dump(mode="json")
    await records.put_snapshot(ref, Source.STRIPE, True, body)
    if crm is not None:
        await records.put_snapshot(ref, Source.CRM, True, crm.model_dump(mode="json"))
    return ref


async def a_letter(
    records: Records,
    ref: Ref,
    kind: LetterKind = LetterKind.HANDOFF,
    *,
    subject: str = "[Action by Thu 5 Nov] Acme GmbH: $49.00 failed (bank declined)",
    step: int = 0,
    action: Action = Action.ESCALATE_NOW,
) -> Send:
    """A stored letter and the order to send it."""
    _, ordinal = await a_decision(records, ref, action)
    letter = await records.put_letter(
        invoice=InvoiceId(ref.invoice),
        ordinal=ordinal,
        kind=kind,
        step=step,
        subject=subject,
        body_text="Please call them.",
        body_html="<p>Please call them.</p>",
        written_by=DecidedBy.FALLBACK,
        at=ref.now,
    )
    return Send(ref=ref, letter=letter, kind=kind, ordinal=ordinal, step=step)


def ledger_of(records: Records, clock: Ticking) -> Ledger:
    return Ledger(records._pool, clock)
