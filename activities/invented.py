"""A case that nobody ever had, to try models on: a German customer, and something to talk about."""

from datetime import UTC, datetime, timedelta

from workflows.facts import (
    Billing,
    Crm,
    Customer,
    Facts,
    Failure,
    Invoice,
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
BILL = Money(amount=29_900, currency="eur")


def invoice_in_german() -> Facts:
    """A card without cover, at an account of 14 months with an open question."""
    return Facts(
        now=NOW, live=True, invoice=_INVOICE, failure=_FAILURE, payment_method=_CARD,
        subscription=_SUBSCRIPTION, billing=_BILLING, crm=_CRM,
        customer=Customer(
            id=CustomerId("cus_invented"), name="Lindenhof Keramik",
            email="buero@lindenhof.example", locale="de", timezone="Europe/Berlin", country="DE",
        ),
    )  # fmt: skip


_INVOICE = Invoice(
    id=InvoiceId("in_invented"), number="LK-0007", status="open", due=BILL,
    paid=Money(amount=0, currency="eur"), remaining=BILL, attempt_count=1,
    billing_reason="subscription_cycle", collection_method="charge_automatically",
    auto_advance=False, next_payment_attempt=None, due_date=None, created=NOW - 2 * DAY,
    livemode=True,
)  # fmt: skip
_FAILURE = Failure(
    code="card_declined", decline_code="insufficient_funds", advice_code=None,
    network_decline_code=None, network_advice_code=None, failed_at=NOW - timedelta(hours=1),
    charge=ChargeId("ch_invented"), outcome_type="issuer_declined", risk_level="normal",
)  # fmt: skip
_CARD = PaymentMethod(
    id="pm_invented", type="card", brand="visa", funding="debit", last4="0000", exp_month=9,
    exp_year=2028, country="DE",
)  # fmt: skip
_SUBSCRIPTION = Subscription(
    id="sub_invented", status="past_due", cancel_at_period_end=False, canceled_at=None,
    collection_paused=False, resumes_at=None, trial_end=None, current_period_end=NOW + 28 * DAY,
    interval="month", interval_count=1,
)  # fmt: skip
_BILLING = Billing(
    plan_tier="growth", plan_name="Growth", mrr=BILL, tenure_days=430,
    paid_invoices=tuple(
        PaidInvoice(
            number=f"LK-000{n}", amount=BILL, created=NOW - (30 * n + 2) * DAY,
            paid_at=NOW - (30 * n + 2) * DAY, attempts=1,
        )
        for n in range(1, 7)
    ),
)  # fmt: skip
_CRM = Crm(
    company_id="1", company_name="Lindenhof Keramik", lifecycle_stage="customer",
    owner=Owner(name="Dana Whitfield", email="dana.whitfield@ourco.example"), vip=False,
    do_not_contact=False, marketing_opt_out=False, health_score=None, contact_first_name="Jule",
    tickets=(
        Ticket(
            id="1", at=NOW - 3 * DAY, status="closed", priority="normal", subject="Export",
            text="The monthly export had two empty columns. Solved; the customer was content.",
        ),
    ),
)  # fmt: skip
