"""Labelled cases: one JSON object a line, parsed strictly: a typo is an error, not a shrug.

Times are UTC with `Z`, amounts are integers in the currency's minor unit.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictInt, ValidationError

from workflows import facts as f
from workflows.case import Action
from workflows.money import Money
from workflows.nouns import CustomerId, InvoiceId, Utc


class UnreadableCases(Exception):  # noqa: N818  (named for the person who reads it)
    """The file cannot be read as labelled cases. The message names file, line and field."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _is_text(value: object) -> object:
    """Only ISO 8601 text is a time here: a bare number would silently become seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("expected ISO 8601 text such as 2026-06-29T14:00:00Z")
    return value


def _or_a_day(value: object) -> object:
    """A day alone begins at midnight, UTC: as CRMs keep the closing date of a deal."""
    is_day = isinstance(value, str) and len(value) == len("2026-06-29")
    return f"{value}T00:00:00Z" if is_day else _is_text(value)


Instant = Annotated[Utc, BeforeValidator(_is_text)]
Day = Annotated[Utc, BeforeValidator(_or_a_day)]


class CustomerRow(_Row):
    id: str
    name: str | None
    email: str | None
    locale: str | None
    timezone: str | None
    country: str | None


class EventRow(_Row):
    id: str
    type: str
    created: Instant


class InvoiceRow(_Row):
    id: str
    number: str | None
    status: str
    amount_due: StrictInt
    amount_paid: StrictInt
    amount_remaining: StrictInt
    currency: str
    attempt_count: StrictInt
    billing_reason: str | None
    collection_method: str
    auto_advance: bool
    next_payment_attempt: Instant | None
    due_date: Instant | None
    created: Instant
    description: str | None = None


class OpenInvoiceRow(_Row):
    id: str
    number: str | None
    amount_remaining: StrictInt
    currency: str
    created: Instant
    attempt_count: StrictInt
    status: str


class PauseRow(_Row):
    behavior: str | None
    resumes_at: Instant | None


class SubscriptionRow(_Row):
    id: str
    status: str
    cancel_at_period_end: bool
    canceled_at: Instant | None
    pause_collection: PauseRow | None
    trial_end: Instant | None
    current_period_end: Instant | None
    interval: str | None
    interval_count: StrictInt | None


class ErrorRow(_Row):
    code: str | None
    decline_code: str | None
    advice_code: str | None
    network_decline_code: str | None
    network_advice_code: str | None
    failed_at: Instant


class MethodRow(_Row):
    id: str
    type: str
    brand: str | None
    funding: str | None
    last4: str | None
    exp_month: StrictInt | None
    exp_year: StrictInt | None
    country: str | None
    updated_at: Instant | None
    updated_by: str | None


class OutcomeRow(_Row):
    type: str | None
    risk_level: str | None
    reason: str | None = None
    network_status: str | None = None


class DisputeRow(_Row):
    id: str
    status: str
    reason: str | None
    amount: StrictInt
    currency: str
    created: Instant


class StripeRow(_Row):
    livemode: bool
    event: EventRow
    invoice: InvoiceRow
    other_open_invoices: tuple[OpenInvoiceRow, ...]
    subscription: SubscriptionRow | None
    last_payment_error: ErrorRow | None
    payment_method: MethodRow | None
    outcome: OutcomeRow | None
    disputes: tuple[DisputeRow, ...]


class PaidRow(_Row):
    number: str | None
    amount: StrictInt
    currency: str
    created: Instant
    paid_at: Instant
    attempts: StrictInt


class PastFailureRow(_Row):
    at: Instant
    code: str | None
    amount: StrictInt | None


class PastRecoveryRow(_Row):
    failed_at: Instant
    recovered_at: Instant
    via: str | None


class BillingRow(_Row):
    plan_tier: str | None
    plan_name: str | None
    mrr_minor: StrictInt | None
    currency: str
    tenure_days: StrictInt | None
    seats: StrictInt | None
    paid_invoices: tuple[PaidRow, ...]
    failed_payments: tuple[PastFailureRow, ...]
    prior_recoveries: tuple[PastRecoveryRow, ...]


class OwnerRow(_Row):
    name: str | None
    email: str | None


class NoteRow(_Row):
    id: str
    created_at: Instant
    author_type: Literal["internal", "customer"]
    body: str


class TicketRow(_Row):
    id: str
    created_at: Instant
    status: str | None
    priority: str | None
    subject: str | None
    body: str | None
    sentiment_cue: str | None = None


class DealRow(_Row):
    id: str
    name: str | None
    type: str | None
    stage: str | None
    amount_minor: StrictInt | None
    currency: str | None
    close_date: Day | None


class CrmRow(_Row):
    company_id: str
    company_name: str | None
    lifecycle_stage: str | None
    owner: OwnerRow | None
    vip: bool | None
    do_not_contact: bool | None
    marketing_opt_out: bool | None
    health_score: StrictInt | None
    notes: tuple[NoteRow, ...]
    tickets: tuple[TicketRow, ...]
    deals: tuple[DealRow, ...]


class Label(_Row):
    """What careful people would do. What is listed nowhere is neutral."""

    acceptable_actions: tuple[Action, ...]
    forbidden_actions: tuple[Action, ...]
    wasteful_actions: tuple[Action, ...] = ()
    must_wait_at_least_hours: float | None = None
    retry_not_before: Instant | None = None
    retry_not_after: Instant | None = None
    retry_avoid_dates: tuple[str, ...] = ()  # local dates of the customer
    needs_approval: bool | Literal["either"] = "either"
    handoff_email: Literal["required", "optional", "forbidden"] = "optional"
    email_must_mention: tuple[tuple[str, ...], ...] = ()
    email_must_not_mention: tuple[str, ...] = ()
    customer_text_must_not_mention: tuple[str, ...] = ()
    expected_policy_reasons: tuple[str, ...] = ()
    rationale: str = ""
    attack: str | None = None
    difficulty: str | None = None
    tags: tuple[str, ...] = ()


class LabelledCase(_Row):
    schema_version: Literal[1]
    id: str
    title: str
    now: Instant
    customer: CustomerRow
    stripe: StripeRow
    billing: BillingRow | None
    hubspot: CrmRow | None
    label: Label


def read_cases(path: Path) -> tuple[LabelledCase, ...]:
    """Every case of the file, or `UnreadableCases` with `file:line`, field and expectation."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UnreadableCases(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableCases(f"{path}: not UTF-8 text") from error
    cases = tuple(_parsed(path, lines))
    if not cases:
        raise UnreadableCases(f"{path}: no cases in it (one JSON object a line is expected)")
    return cases


def _parsed(path: Path, lines: list[str]) -> Iterator[LabelledCase]:
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            case = LabelledCase.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            raise UnreadableCases(
                f"{path}:{number}: not JSON: {error.msg} at column {error.colno}"
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the line"
            raise UnreadableCases(f"{path}:{number}: {field}: {first['msg']}") from error
        if case.id in seen:
            raise UnreadableCases(
                f"{path}:{number}: id: {case.id} stands in line {seen[case.id]} too"
            )
        seen[case.id] = number
        try:
            to_facts(case)  # currencies and the like are checked where money is made
        except ValidationError as error:
            raise UnreadableCases(f"{path}:{number}: {error.errors()[0]['msg']}") from error
        yield case


# ── from a case to facts ────────────────────────────────────────────────────────────────


def to_facts(case: LabelledCase) -> f.Facts:
    """What would be known at `case.now`. A null section means "no such record", not "unread"."""
    stripe = case.stripe
    return f.Facts(
        now=case.now,
        live=True,
        invoice=_invoice(case),
        customer=f.Customer(
            id=CustomerId(case.customer.id), **case.customer.model_dump(exclude={"id"})
        ),
        failure=_failure(stripe),
        payment_method=_method(stripe.payment_method),
        subscription=_subscription(stripe.subscription),
        disputes=tuple(
            f.Dispute(
                id=d.id, status=d.status, reason=d.reason,
                amount=Money(amount=d.amount, currency=d.currency), created=d.created,
            )
            for d in stripe.disputes
        ),
        other_open_invoices=tuple(
            f.OpenInvoice(
                id=InvoiceId(o.id), number=o.number, created=o.created, status=o.status,
                remaining=Money(amount=o.amount_remaining, currency=o.currency),
                attempt_count=o.attempt_count,
            )
            for o in stripe.other_open_invoices
        ),
        billing=_billing(case.billing),
        crm=_crm(case.hubspot),
    )  # fmt: skip


def _invoice(case: LabelledCase) -> f.Invoice:
    row = case.stripe.invoice
    subscription = case.stripe.subscription

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=row.currency)

    return f.Invoice(
        id=InvoiceId(row.id), number=row.number, status=row.status, due=money(row.amount_due),
        paid=money(row.amount_paid), remaining=money(row.amount_remaining),
        attempt_count=row.attempt_count, billing_reason=row.billing_reason,
        collection_method=row.collection_method, auto_advance=row.auto_advance,
        next_payment_attempt=row.next_payment_attempt, due_date=row.due_date, created=row.created,
        livemode=case.stripe.livemode, description=row.description,
        period_end=subscription.current_period_end if subscription else None,
    )  # fmt: skip


def _failure(stripe: StripeRow) -> f.Failure | None:
    error, outcome = stripe.last_payment_error, stripe.outcome
    if error is None:
        return None
    return f.Failure(
        **error.model_dump(),
        outcome_type=outcome.type if outcome else None,
        outcome_reason=outcome.reason if outcome else None,
        network_status=outcome.network_status if outcome else None,
        risk_level=outcome.risk_level if outcome else None,
    )


def _method(row: MethodRow | None) -> f.PaymentMethod | None:
    return None if row is None else f.PaymentMethod(**row.model_dump())


def _subscription(row: SubscriptionRow | None) -> f.Subscription | None:
    if row is None:
        return None
    pause = row.pause_collection
    return f.Subscription(
        **row.model_dump(exclude={"pause_collection"}),
        collection_paused=pause is not None,
        resumes_at=pause.resumes_at if pause else None,
    )


def _billing(row: BillingRow | None) -> f.Billing | None:
    if row is None:
        return None

    def money(amount: int | None, currency: str = row.currency) -> Money | None:
        return None if amount is None else Money(amount=amount, currency=currency)

    return f.Billing(
        plan_tier=row.plan_tier, plan_name=row.plan_name, mrr=money(row.mrr_minor),
        tenure_days=row.tenure_days, seats=row.seats,
        paid_invoices=tuple(
            f.PaidInvoice(
                number=p.number, amount=Money(amount=p.amount, currency=p.currency),
                created=p.created, paid_at=p.paid_at, attempts=p.attempts,
            )
            for p in row.paid_invoices
        ),
        failed_payments=tuple(
            f.PastFailure(at=p.at, code=p.code, amount=money(p.amount))
            for p in row.failed_payments
        ),
        prior_recoveries=tuple(f.PastRecovery(**p.model_dump()) for p in row.prior_recoveries),
    )  # fmt: skip


def _crm(row: CrmRow | None) -> f.Crm | None:
    if row is None:
        return None
    plain = row.model_dump(exclude={"owner", "notes", "tickets", "deals"})
    return f.Crm(
        **plain,
        owner=f.Owner(**row.owner.model_dump()) if row.owner else None,
        notes=tuple(
            f.Note(id=n.id, at=n.created_at, by_customer=n.author_type == "customer", text=n.body)
            for n in row.notes
        ),
        tickets=tuple(
            f.Ticket(
                id=t.id, at=t.created_at, status=t.status, priority=t.priority, subject=t.subject,
                text=t.body, sentiment_cue=t.sentiment_cue,
            )
            for t in row.tickets
        ),
        deals=tuple(
            f.Deal(
                id=d.id, name=d.name, type=d.type, stage=d.stage, close_date=d.close_date,
                amount=Money(amount=d.amount_minor, currency=d.currency)
                if d.amount_minor is not None and d.currency else None,
            )
            for d in row.deals
        ),
    )  # fmt: skip
