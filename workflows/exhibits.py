"""Single facts of the evidence, each in one sentence and with its values; `evidence.py` has all.

Codes and labels of other systems pass through `code` and `label`, so that nothing but a code or a
label can come out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from pydantic import Field

from workflows.facts import (
    Billing,
    Crm,
    Deal,
    Facts,
    Failure,
    Invoice,
    Note,
    PaymentMethod,
    Subscription,
    Ticket,
)
from workflows.nouns import Noun, Utc
from workflows.playbook import Playbook
from workflows.redaction import SHOWN, shorten

PAID_SHOWN, FAILED_SHOWN, RECOVERED_SHOWN, DEALS_SHOWN, OPEN_SHOWN = 12, 12, 6, 6, 12
OPEN_TICKETS = 10  # open tickets come before closed ones; closed ones are few

Scalar = str | int | bool | None
T = TypeVar("T")


class Trust(StrEnum):
    """Who could have written this. Only `system` texts are ours."""

    SYSTEM = "system"
    INTERNAL = "internal"
    CUSTOMER = "customer"


class Evidence(Noun):
    """One fact. `text` is for reading, `value` for checking what a draft says against it."""

    id: str
    kind: str
    trust: Trust
    as_of: Utc | None
    text: str
    value: dict[str, Scalar] = Field(default_factory=dict)


# ── the account ─────────────────────────────────────────────────────────────────────────


def of_account(facts: Facts, playbook: Playbook) -> Iterator[Evidence]:
    yield _invoice(facts)
    if facts.failure:
        yield _failure(facts.failure, playbook)
    if facts.payment_method:
        yield _payment_method(facts.payment_method, facts.now)
    if facts.subscription:
        yield _subscription(facts.subscription, facts.now)
    yield from _disputes(facts)
    yield from _other_invoices(facts)
    yield from list(paid(facts.billing))[:PAID_SHOWN]
    yield from _failures(facts.billing)
    yield from _recoveries(facts.billing)
    yield _company(facts)
    yield _owner(facts.crm)


def exhibit(
    id: str, kind: str, text: str, as_of: datetime | None = None,
    trust: Trust = Trust.SYSTEM, *, more: Mapping[str, Scalar] | None = None, **value: Scalar,
) -> Evidence:  # fmt: skip
    kept = {
        name: scalar for name, scalar in {**value, **(more or {})}.items() if scalar is not None
    }
    return Evidence(id=id, kind=kind, trust=trust, as_of=as_of, text=text, value=kept)


def _invoice(facts: Facts) -> Evidence:
    invoice = facts.invoice
    parts = [f"The invoice asks for {invoice.remaining.plain}, status {code(invoice.status)}"]
    if invoice.paid.amount:
        parts.append(f"{invoice.paid.plain} of {invoice.due.plain} is paid")
    parts.append(f"written on {day(invoice.created)} for {_why_billed(invoice)}")
    if invoice.collection_method == "send_invoice":
        parts.append(
            "to be paid by bank transfer or on the invoice's page, not charged automatically"
        )
    if invoice.due_date:
        parts.append(f"due on {day(invoice.due_date)}")
    parts.append(f"{_times(invoice.attempt_count)} by the processor's schedule")
    parts.append(f"{_times(facts.our_attempts)} by this case")
    if invoice.next_payment_attempt:
        parts.append(f"the processor itself plans to retry on {day(invoice.next_payment_attempt)}")
    return exhibit(
        "INV.1", "invoice", "; ".join(parts) + ".", facts.now,
        remaining=invoice.remaining.plain, due=invoice.due.plain, paid=invoice.paid.plain,
        created=day(invoice.created), due_date=_day(invoice.due_date),
        next_payment_attempt=_day(invoice.next_payment_attempt),
        attempts=invoice.attempt_count, our_attempts=facts.our_attempts,
    )  # fmt: skip


_BILLED_FOR = {
    "subscription_cycle": "a regular renewal",
    "subscription_create": "a new subscription",
    "subscription_update": "a change of plan",
    "subscription_threshold": "usage",
    "manual": "work billed by hand",
}


def _why_billed(invoice: Invoice) -> str:
    return _BILLED_FOR.get(invoice.billing_reason or "", "a charge")


def withheld(failure: Failure, playbook: Playbook) -> bool:
    """Is the bank's reason one that nobody is told (lost, stolen, fraud)?"""
    if failure.outcome_type == "blocked" or failure.risk_level in ("elevated", "highest"):
        return True
    said = {failure.decline_code, failure.code, failure.outcome_reason}
    return any(r.code in said for r in playbook.declines if r.category == "fraud_sensitive")


def _failure(failure: Failure, playbook: Playbook) -> Evidence:
    on = day(failure.failed_at)
    if withheld(failure, playbook):
        text = (
            f"The latest attempt failed on {on}: the bank will not approve this card again. "
            "No reason may be named."
        )
        return exhibit("ERR.1", "failure", text, failure.failed_at, family="security", failed_on=on)
    rule = next(
        (r for r in playbook.declines if r.code in (failure.decline_code, failure.code)), None
    )
    codes = {
        "decline_code": failure.decline_code or failure.code,
        "advice_code": failure.advice_code,
        "network_decline_code": failure.network_decline_code,
        "network_advice_code": failure.network_advice_code,
    }
    said = ", ".join(f"{name} {code(value)}" for name, value in codes.items() if value)
    text = f"The latest attempt failed on {on}: {said or 'no code was given'}."
    if rule:
        text += f" Our table: {rule.category.replace('_', ' ')}, retry {rule.retry_off_session}."
    return exhibit(
        "ERR.1", "failure", text, failure.failed_at,
        failed_on=on, category=rule.category if rule else None,
        more={name: code(value) for name, value in codes.items() if value},
    )  # fmt: skip


def _payment_method(method: PaymentMethod, now: datetime) -> Evidence:
    if method.type != "card":
        return exhibit(
            "PM.1",
            "payment_method",
            f"To be charged: a bank debit ({code(method.type)}).",
            now,
            type=code(method.type),
        )
    expiry = (
        f"{method.exp_month:02d}/{method.exp_year}"
        if method.exp_month and method.exp_year
        else None
    )
    parts = [
        f"To be charged: a {code(method.brand or '')} {code(method.funding or '')} card".replace(
            "  ", " "
        )
    ]
    if expiry and method.exp_month and method.exp_year:
        over = (method.exp_year, method.exp_month) < (now.year, now.month)
        parts.append(
            f"{'expired' if over else 'valid'} until {expiry}"
            if not over
            else f"expired after {expiry}"
        )
    if method.updated_at:
        by = "by the card network" if method.updated_by == "network_updater" else "by the customer"
        parts.append(f"replaced {by} on {day(method.updated_at)}")
    return exhibit(
        "PM.1", "payment_method", ", ".join(parts) + ".", now,
        brand=method.brand, funding=method.funding, expiry=expiry,
        updated_on=_day(method.updated_at),
    )  # fmt: skip


def _subscription(subscription: Subscription, now: datetime) -> Evidence:
    parts = [f"The subscription is {code(subscription.status)}"]
    if subscription.interval:
        count = subscription.interval_count or 1
        parts.append(
            f"billed every {f'{count} ' if count > 1 else ''}{code(subscription.interval)}"
        )
    if subscription.current_period_end:
        parts.append(f"its paid period ends on {day(subscription.current_period_end)}")
    if subscription.cancel_at_period_end:
        parts.append("it will be cancelled at the end of the period")
    if subscription.trial_end:
        parts.append(
            f"the trial ended on {day(subscription.trial_end)}"
            if subscription.trial_end <= now
            else f"the trial ends on {day(subscription.trial_end)}"
        )
    if subscription.collection_paused:
        parts.append(
            "collection is paused"
            + (f" until {day(subscription.resumes_at)}" if subscription.resumes_at else "")
        )
    return exhibit(
        "SUB.1", "subscription", "; ".join(parts) + ".", now,
        period_end=_day(subscription.current_period_end), trial_end=_day(subscription.trial_end),
        resumes_at=_day(subscription.resumes_at),
    )  # fmt: skip


def _disputes(facts: Facts) -> Iterator[Evidence]:
    for number, dispute in enumerate(_newest(facts.disputes, "created"), start=1):
        about = f"{dispute.amount.plain} of {day(dispute.created)}"
        text = f"A dispute over {about}, status {code(dispute.status)}."
        yield exhibit(
            f"DSP.{number}",
            "dispute",
            text,
            dispute.created,
            amount=dispute.amount.plain,
            created=day(dispute.created),
        )


def _other_invoices(facts: Facts) -> Iterator[Evidence]:
    for number, other in enumerate(
        _newest(facts.other_open_invoices, "created")[:OPEN_SHOWN], start=1
    ):
        about = f"{other.remaining.plain} of {day(other.created)}"
        text = f"Another unpaid invoice: {about}, {_times(other.attempt_count)}."
        yield exhibit(
            f"OPN.{number}",
            "open_invoice",
            text,
            other.created,
            remaining=other.remaining.plain,
            created=day(other.created),
            attempts=other.attempt_count,
        )


def paid(billing: Billing | None) -> Iterator[Evidence]:
    rows = _newest(billing.paid_invoices, "paid_at") if billing else []
    for number, paid in enumerate(rows, start=1):
        text = (
            f"{paid.amount.plain} of {day(paid.created)}, paid on {day(paid.paid_at)} "
            f"at attempt {paid.attempts}."
        )
        yield exhibit(
            f"PAY.{number}",
            "paid_invoice",
            text,
            paid.paid_at,
            amount=paid.amount.plain,
            created=day(paid.created),
            paid_on=day(paid.paid_at),
            attempts=paid.attempts,
        )


def _failures(billing: Billing | None) -> Iterator[Evidence]:
    for number, failed in enumerate(
        _newest(billing.failed_payments, "at")[:FAILED_SHOWN] if billing else [], start=1
    ):
        amount = f" of {failed.amount.plain}" if failed.amount else ""
        text = f"An attempt{amount} failed on {day(failed.at)}."
        yield exhibit(
            f"FAIL.{number}",
            "failed_payment",
            text,
            failed.at,
            failed_on=day(failed.at),
            amount=failed.amount.plain if failed.amount else None,
        )


def _recoveries(billing: Billing | None) -> Iterator[Evidence]:
    rows = _newest(billing.prior_recoveries, "recovered_at") if billing else []
    for number, recovery in enumerate(rows[:RECOVERED_SHOWN], start=1):
        took = (recovery.recovered_at - recovery.failed_at).days
        via = f" through {code(recovery.via)}" if recovery.via else ""
        text = (
            f"A failure of {day(recovery.failed_at)} was recovered on "
            f"{day(recovery.recovered_at)}{via}, after {took} days."
        )
        yield exhibit(
            f"REC.{number}",
            "recovery",
            text,
            recovery.recovered_at,
            failed_on=day(recovery.failed_at),
            recovered_on=day(recovery.recovered_at),
            days=took,
        )


def _company(facts: Facts) -> Evidence:
    billing, crm = facts.billing, facts.crm
    parts = [*(_plan(billing) if billing else ()), *(_standing(crm) if crm else ())]
    customer = facts.customer
    where = [part for part in (customer.country, customer.timezone, customer.locale) if part]
    if where:
        parts.append("country, time zone, language: " + ", ".join(map(label, where)))
    text = "COMPANY: " + "; ".join(parts or ["nothing more is known"]) + "."
    return exhibit(
        "CO.1", "account", text, facts.now, Trust.INTERNAL,
        mrr=billing.mrr.plain if billing and billing.mrr else None,
        seats=billing.seats if billing else None,
        plan=label(billing.plan_name or billing.plan_tier) if billing else None,
    )  # fmt: skip


def _plan(billing: Billing) -> Iterator[str]:
    tier = label(billing.plan_tier)
    yield f"plan {label(billing.plan_name or billing.plan_tier)} (tier {tier})"
    if billing.mrr:
        yield f"monthly revenue {billing.mrr.plain}"
    if billing.seats:
        yield f"{billing.seats} seats"


def _standing(crm: Crm) -> Iterator[str]:
    flags = {
        "VIP": crm.vip,
        "asked not to be contacted": crm.do_not_contact,
        "opted out of marketing": crm.marketing_opt_out,
    }
    yield from (flag for flag, up in flags.items() if up)
    if crm.lifecycle_stage:
        yield f"lifecycle stage {label(crm.lifecycle_stage)}"
    if crm.health_score is not None:
        yield f"health score {crm.health_score}"


def _owner(crm: Crm | None) -> Evidence:
    known = crm is not None and crm.owner is not None and crm.owner.name
    text = (
        "OWNER looks after this account."
        if known
        else "No colleague is named as owner of this account."
    )
    return exhibit("OWN.1", "owner", text, None, Trust.INTERNAL)


# ── other people's texts ────────────────────────────────────────────────────────────────


def of_texts(facts: Facts, playbook: Playbook) -> Iterator[Evidence]:
    """Recent notes and tickets, open deals, and what the invoice itself says."""
    invoice = facts.invoice
    if invoice.description:
        text = shorten(invoice.description, SHOWN)
        yield exhibit("INV.2", "invoice_description", text, invoice.created, Trust.CUSTOMER)
    if facts.crm is None:
        return
    recent = facts.now - timedelta(days=playbook.hubspot.notes_days)
    texts = [
        text
        for text in every_text(facts, SHOWN)
        if text.as_of is None or text.as_of >= recent or is_open(text)
    ]
    yield from [text for text in texts if text.kind == "note"][: playbook.hubspot.max_notes]
    tickets = [text for text in texts if text.kind == "ticket"]
    yield from [text for text in tickets if is_open(text)][:OPEN_TICKETS]
    yield from [text for text in tickets if not is_open(text)][: playbook.hubspot.max_tickets]
    yield from deals(facts.crm)


def is_open(fact: Evidence) -> bool:
    return fact.value.get("open") is True


def every_text(facts: Facts, cap: int) -> Iterator[Evidence]:
    """Notes, then tickets, newest first; the numbers stay the same however many are shown."""
    crm = facts.crm
    if crm is None:
        return
    for number, note in enumerate(_newest(crm.notes, "at"), start=1):
        yield _note(number, note, cap)
    for number, ticket in enumerate(_newest(crm.tickets, "at"), start=1):
        yield _ticket(number, ticket, cap)


def _note(number: int, note: Note, cap: int) -> Evidence:
    trust = Trust.CUSTOMER if note.by_customer else Trust.INTERNAL
    return exhibit(
        f"NOTE.{number}", "note", shorten(note.text, cap), note.at, trust, on=day(note.at)
    )


_CLOSED = frozenset({"closed", "resolved", "solved", "done", "completed", "cancelled", "archived"})


def _ticket(number: int, ticket: Ticket, cap: int) -> Evidence:
    status = (ticket.status or "").lower()
    state = f"{label(status or 'status unknown')}, priority {label(ticket.priority or 'unknown')}"
    head = f"[ticket, {state}] "
    body = ": ".join(part for part in (ticket.subject, ticket.text) if part)
    return exhibit(
        f"TKT.{number}", "ticket", head + shorten(body, cap), ticket.at, Trust.CUSTOMER,
        on=day(ticket.at), open=status not in _CLOSED,
    )  # fmt: skip


def deals(crm: Crm) -> Iterator[Evidence]:
    ordered = sorted(
        crm.deals, key=lambda deal: (deal.close_date is None, deal.close_date, deal.id)
    )
    for number, deal in enumerate(ordered[:DEALS_SHOWN], start=1):
        yield _deal(number, deal)


def _deal(number: int, deal: Deal) -> Evidence:
    parts = [f"A deal ({label(deal.type or 'no type')}, stage {label(deal.stage or 'unknown')})"]
    if deal.name:
        parts.append(f"called “{shorten(deal.name, 80)}”")
    if deal.amount:
        parts.append(f"worth {deal.amount.plain}")
    if deal.close_date:
        parts.append(f"expected to close on {day(deal.close_date)}")
    return exhibit(
        f"DEAL.{number}", "deal", ", ".join(parts) + ".", None, Trust.INTERNAL,
        amount=deal.amount.plain if deal.amount else None, close_date=_day(deal.close_date),
    )  # fmt: skip


# ── small words ─────────────────────────────────────────────────────────────────────────


def day(at: datetime) -> str:
    """`2026-06-29`: an instant's date, in UTC, that no reader can take for another."""
    return f"{at:%Y-%m-%d}"


def _times(count: int) -> str:
    return f"{count} attempt{'' if count == 1 else 's'}"


def _day(at: datetime | None) -> str | None:
    return day(at) if at else None


def code(text: str) -> str:
    """A vendor's code, and nothing that only looks like one."""
    return re.sub(r"[^\w.-]", "", text)[:60]


def label(text: str | None) -> str:
    """A short label of the company's own (plan, stage, tier): one line, no markup."""
    return re.sub(r"[^\w .,&+/:'()-]", "", text or "unknown")[:40].strip()


def _newest(rows: Iterable[T], field: str) -> list[T]:
    """Newest first; ties in the order of their own texts, so that the numbering is stable."""
    return sorted(rows, key=lambda row: (-getattr(row, field).timestamp(), repr(row)))
