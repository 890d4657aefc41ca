"""Small givens for tests of the money side: a moment, a case, a playbook, a decision."""

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.readings import StripeReading
from activities.records import Records
from workflows.case import Action, DecidedBy, Options, Proposal, Verdict
from workflows.facts import BankAttempt, Customer, Failure, Invoice, PaymentMethod
from workflows.money import Money
from workflows.nouns import ChargeId, CustomerId, DecisionId, InvoiceId
from workflows.playbook import Playbook, Retries
from workflows.steps import Conclude, Ref

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
INVOICE = InvoiceId("in_1")


def usd(amount: int) -> Money:
    return Money(amount=amount, currency="usd")


def a_playbook(hash: str = "p1", owner: str = "ours") -> Playbook:
    return Playbook(hash=hash, retries=Retries(owner=owner))  # type: ignore[arg-type]


def a_ref(
    invoice: str = INVOICE,
    *,
    cycle: int = 1,
    round: int = 1,
    now: datetime = NOON,
    speed: float = 1.0,
) -> Ref:
    return Ref(invoice=InvoiceId(invoice), cycle=cycle, round=round, now=now, speed=speed)


async def an_open_case(
    records: Records,
    ref: Ref | None = None,
    *,
    playbook: Playbook | None = None,
    run: str = "run-1",
) -> Ref:
    """The case is open; its first round may begin."""
    ref = ref or a_ref()
    case, _ = await records.open_case(
        ref,
        workflow_id=f"dunning-{ref.invoice}",
        run_id=run,
        playbook=playbook or a_playbook(),
    )
    return ref.model_copy(update={"cycle": case.cycle})


async def a_decision(
    records: Records, ref: Ref, action: Action = Action.SCHEDULE_RETRY, *, step: int = 0
) -> tuple[DecisionId, int]:
    await records.put_pack("pack-1", {"facts": []})
    decision, ordinal, _ = await records.put_decision(
        a_conclusion(ref, step=step), Verdict(action=action), "It should work today."
    )
    return decision, ordinal


def a_conclusion(ref: Ref, *, step: int = 0, actor: str | None = None) -> Conclude:
    options = Options(
        allowed=(Action.SCHEDULE_RETRY, Action.ESCALATE_NOW),
        slots=(),
        default=Action.SCHEDULE_RETRY,
        default_slot=None,
    )
    proposal = Proposal(action=Action.SCHEDULE_RETRY, by=DecidedBy.MODEL)
    return Conclude(
        ref=ref, options=options, pack="pack-1", proposal=proposal, step=step, actor=actor
    )


def a_reading(invoice: str = INVOICE, **changes: Any) -> StripeReading:
    """Acme's invoice of $49.00, declined once, yesterday at noon."""
    charge = ChargeId("ch_1")
    yesterday = NOON - timedelta(days=1)
    reading = StripeReading(
        taken_at=NOON,
        whole=True,
        invoice=Invoice(
            id=InvoiceId(invoice),
            number="A-1",
            status="open",
            due=usd(4900),
            paid=usd(0),
            remaining=usd(4900),
            attempt_count=1,
            billing_reason="subscription_cycle",
            collection_method="charge_automatically",
            auto_advance=True,
            next_payment_attempt=None,
            due_date=None,
            created=yesterday,
            livemode=False,
        ),
        customer=Customer(
            id=CustomerId("cus_1"),
            name="Acme GmbH",
            email="billing@acme.example",
            locale="de-DE",
            timezone=None,
            country="DE",
        ),
        failure=Failure(
            code="card_declined",
            decline_code="insufficient_funds",
            advice_code=None,
            network_decline_code=None,
            network_advice_code=None,
            failed_at=yesterday,
            charge=charge,
            fingerprint="fp_1",
        ),
        payment_method=PaymentMethod(id="pm_1", type="card", fingerprint="fp_1"),
        subscription=None,
        attempts=(
            BankAttempt(
                charge=charge,
                at=yesterday,
                amount=usd(4900),
                fingerprint="fp_1",
                succeeded=False,
                code="insufficient_funds",
                reached_network=True,
                invoice=InvoiceId(invoice),
            ),
        ),
        payment_intent="pi_1",
        latest_charge=charge,
    )
    return reading.model_copy(update=changes)
