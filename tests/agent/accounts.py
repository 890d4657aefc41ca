"""Invented customers, as facts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from workflows.facts import (
    Billing,
    Crm,
    Customer,
    Facts,
    Failure,
    Invoice,
    Note,
    Owner,
    PaidInvoice,
    PaymentMethod,
    Subscription,
    Ticket,
)
from workflows.money import Money
from workflows.nouns import ChargeId, CustomerId, InvoiceId

NOW = datetime(2026, 6, 10, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def usd(amount: int) -> Money:
    return Money(amount=amount, currency="usd")


def account(
    *,
    amount: int = 29_900,
    decline: str = "insufficient_funds",
    notes: tuple[str | Note, ...] = (),
    tickets: tuple[str | Ticket, ...] = (),
    company: str = "Kemper Yoga",
    contact: str = "Jo",
    description: str | None = None,
    locale: str = "en",
    **more: Any,
) -> Facts:
    """A growth account in New York whose card was declined an hour ago."""
    facts = Facts(
        now=NOW,
        live=True,
        invoice=_invoice(amount, description),
        customer=Customer(
            id=CustomerId("cus_9f2kemper"),
            name="Jo Kemper",
            email="billing@kemperyoga.example",
            locale=locale,
            timezone="America/New_York",
            country="US",
        ),
        failure=_failure(decline),
        payment_method=_card(),
        subscription=_subscription(),
        billing=_billing(amount),
        crm=_crm(company, contact, notes, tickets),
    )
    return facts.model_copy(update=more)


def _invoice(amount: int, description: str | None) -> Invoice:
    return Invoice(
        id=InvoiceId("in_1kemper"), number="KY-0007", status="open", due=usd(amount),
        paid=usd(0), remaining=usd(amount), attempt_count=1, billing_reason="subscription_cycle",
        collection_method="charge_automatically", auto_advance=False, next_payment_attempt=None,
        due_date=None, created=NOW - 2 * DAY, livemode=True, description=description,
    )  # fmt: skip


def _failure(decline: str) -> Failure:
    return Failure(
        code="card_declined", decline_code=decline, advice_code=None, network_decline_code=None,
        network_advice_code=None, failed_at=NOW - timedelta(hours=1), charge=ChargeId("ch_1kemper"),
        outcome_type="issuer_declined", risk_level="normal",
    )  # fmt: skip


def _card() -> PaymentMethod:
    return PaymentMethod(
        id="pm_1kemper", type="card", brand="visa", funding="debit", last4="5896",
        exp_month=9, exp_year=2028, country="US", fingerprint="fp_1kemper",
    )  # fmt: skip


def _subscription() -> Subscription:
    return Subscription(
        id="sub_1kemper", status="past_due", cancel_at_period_end=False, canceled_at=None,
        collection_paused=False, resumes_at=None, trial_end=None,
        current_period_end=NOW + 28 * DAY, interval="month", interval_count=1,
    )  # fmt: skip


def _billing(amount: int) -> Billing:
    paid = tuple(
        PaidInvoice(
            number=f"KY-000{n}", amount=usd(amount), created=NOW - (30 * n + 2) * DAY,
            paid_at=NOW - (30 * n + 2) * DAY, attempts=1,
        )
        for n in range(1, 7)
    )  # fmt: skip
    return Billing(
        plan_tier="growth", plan_name="Growth", mrr=usd(amount), tenure_days=430, paid_invoices=paid
    )


def _crm(
    company: str, contact: str, notes: tuple[str | Note, ...], tickets: tuple[str | Ticket, ...]
) -> Crm:
    return Crm(
        company_id="7001", company_name=company, lifecycle_stage="customer",
        owner=Owner(name="Dana Whitfield", email="dana.whitfield@ourco.example"), vip=False,
        do_not_contact=False, marketing_opt_out=False, health_score=None,
        contact_first_name=contact,
        notes=tuple(note(text, n) for n, text in enumerate(notes, 1)),
        tickets=tuple(ticket(text, n) for n, text in enumerate(tickets, 1)),
    )  # fmt: skip


def note(text: str | Note, number: int = 1, *, by_customer: bool = False) -> Note:
    if isinstance(text, Note):
        return text
    return Note(id=f"88{number}", at=NOW - number * DAY, by_customer=by_customer, text=text)


def ticket(text: str | Ticket, number: int = 1, subject: str = "Question") -> Ticket:
    if isinstance(text, Ticket):
        return text
    return Ticket(
        id=f"99{number}", at=NOW - number * DAY, status="open", priority="high",
        subject=subject, text=text,
    )  # fmt: skip
