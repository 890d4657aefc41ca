"""A healthy growth account whose renewal failed an hour ago, and ways to say what is different."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.policy.shipped import playbook
from workflows import policy
from workflows.case import Options, Proposal, Verdict
from workflows.facts import (
    BankAttempt,
    Billing,
    Crm,
    Customer,
    Deal,
    Dispute,
    Facts,
    Failure,
    Invoice,
    Note,
    OurMail,
    Owner,
    PaymentMethod,
    Subscription,
    Ticket,
)
from workflows.money import Money
from workflows.nouns import ChargeId, CustomerId, InvoiceId

NOW = datetime(2026, 6, 9, 14, 0, tzinfo=UTC)  # a Tuesday, 10:00 in New York
FAILED = NOW - timedelta(minutes=6)
INVOICE = InvoiceId("in_test")


def usd(dollars: int) -> Money:
    return Money(amount=dollars * 100, currency="usd")


def facts(**changes: Any) -> Facts:
    whole: dict[str, Any] = {
        "now": NOW, "live": True, "invoice": invoice(), "customer": customer(),
        "failure": failure(), "payment_method": card(), "subscription": subscription(),
        "billing": billing(), "crm": crm(),
    }  # fmt: skip
    return Facts(**whole | changes)


def invoice(**changes: Any) -> Invoice:
    amount = changes.pop("amount", usd(199))
    whole: dict[str, Any] = {
        "id": INVOICE, "number": "N-0007", "status": "open", "due": amount, "paid": usd(0),
        "remaining": amount, "attempt_count": 1, "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically", "auto_advance": False,
        "next_payment_attempt": None, "due_date": None, "created": NOW - timedelta(hours=1),
        "livemode": True,
    }  # fmt: skip
    return Invoice(**whole | changes)


def customer(**changes: Any) -> Customer:
    whole: dict[str, Any] = {
        "id": CustomerId("cus_test"), "name": "Robin Vale", "email": "billing@vale.example",
        "locale": "en", "timezone": "America/New_York", "country": "US",
    }  # fmt: skip
    return Customer(**whole | changes)


def failure(decline_code: str | None = "insufficient_funds", **changes: Any) -> Failure:
    whole: dict[str, Any] = {
        "code": "card_declined", "decline_code": decline_code, "advice_code": None,
        "network_decline_code": None, "network_advice_code": None, "failed_at": FAILED,
        "outcome_type": "issuer_declined", "risk_level": "normal",
    }  # fmt: skip
    return Failure(**whole | changes)


def debit_return(code: str = "insufficient_funds") -> Failure:
    return failure(None, code=code)


def card(**changes: Any) -> PaymentMethod:
    whole: dict[str, Any] = {
        "id": "pm_card", "type": "card", "brand": "visa", "funding": "credit", "last4": "4242",
        "exp_month": 9, "exp_year": 2029, "country": "US", "fingerprint": "fp_card",
    }  # fmt: skip
    return PaymentMethod(**whole | changes)


def ach() -> PaymentMethod:
    return PaymentMethod(id="pm_ach", type="us_bank_account", last4="6789", country="US")


def sepa() -> PaymentMethod:
    return PaymentMethod(id="pm_sepa", type="sepa_debit", last4="3000", country="DE")


def subscription(**changes: Any) -> Subscription:
    whole: dict[str, Any] = {
        "id": "sub_test", "status": "past_due", "cancel_at_period_end": False, "canceled_at": None,
        "collection_paused": False, "resumes_at": None, "trial_end": None,
        "current_period_end": NOW + timedelta(days=30), "interval": "month", "interval_count": 1,
    }  # fmt: skip
    return Subscription(**whole | changes)


def billing(tier: str | None = "growth", mrr: Money | None = None, **changes: Any) -> Billing:
    whole: dict[str, Any] = {
        "plan_tier": tier, "plan_name": "Plan", "mrr": mrr or usd(199), "tenure_days": 400,
    }  # fmt: skip
    return Billing(**whole | changes)


def crm(**changes: Any) -> Crm:
    whole: dict[str, Any] = {
        "company_id": "1", "company_name": "Vale Ltd", "lifecycle_stage": "customer",
        "owner": Owner(name="Noor", email="noor@ourco.example"), "vip": False,
        "do_not_contact": False, "marketing_opt_out": False, "health_score": None,
    }  # fmt: skip
    return Crm(**whole | changes)


def note(text: str, days: float = 2, by_customer: bool = False, id: str = "1") -> Note:
    return Note(id=id, at=NOW - timedelta(days=days), by_customer=by_customer, text=text)


def ticket(text: str, days: float = 2, status: str = "open", priority: str = "normal") -> Ticket:
    at = NOW - timedelta(days=days)
    return Ticket(id="1", at=at, status=status, priority=priority, subject="Help", text=text)


def dispute(status: str) -> Dispute:
    return Dispute(id="dp", status=status, reason=None, amount=usd(199), created=NOW)


def renewal(days: int, stage: str = "negotiation") -> Deal:
    closes = NOW + timedelta(days=days)
    return Deal(
        id="1", name="Renewal", type="renewal", stage=stage, amount=usd(9_000), close_date=closes
    )


def mail(days: float, of: InvoiceId = INVOICE) -> OurMail:
    return OurMail(at=NOW - timedelta(days=days), invoice=of)


def attempt(
    days: float, of: InvoiceId | None = INVOICE, fingerprint: str = "fp_card"
) -> BankAttempt:
    return BankAttempt(
        charge=ChargeId(f"ch_{days}"), at=NOW - timedelta(days=days), amount=usd(199),
        fingerprint=fingerprint, succeeded=False, code="insufficient_funds", reached_network=True,
        invoice=of,
    )  # fmt: skip


def narrow(**changes: Any) -> Options:
    return policy.narrow(facts(**changes), playbook())


def decide(proposal: Proposal | None = None, **changes: Any) -> Verdict:
    return policy.policy(facts(**changes), proposal, playbook())


def codes(options: Options) -> set[str]:
    return {r.code for r in options.reasons} | {b.code for b in options.blocked}
