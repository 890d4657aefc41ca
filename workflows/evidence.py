"""The evidence pack: everything the agent may know about one case, each fact with an id it can be cited by.

Code does the reading of calendars and the sums, because models are poor at both. Names travel as
placeholders (`COMPANY`, `CONTACT_1`, `OWNER`); addresses, card digits and vendors' ids do not travel at all.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from statistics import median
from typing import TypeVar

from pydantic import ConfigDict

from workflows import timing
from workflows.attacks import attacks
from workflows.case import Action, Options, Reason
from workflows.facts import (
    Billing,
    Crm,
    Deal,
    Facts,
    Failure,
    Invoice,
    Note,
    PaymentMethod,
    Source,
    Subscription,
    Ticket,
)
from workflows.money import Money
from workflows.nouns import InvoiceId, Noun, Utc
from workflows.playbook import Playbook
from workflows.redaction import LOOKED_UP, SHOWN, redact_facts, redact_facts_counted, shorten
from workflows.situation import in_usd

PAID_SHOWN, FAILED_SHOWN, RECOVERED_SHOWN, DEALS_SHOWN, OPEN_SHOWN = 12, 12, 6, 6, 12
ON_TIME = timedelta(days=2)  # paid this soon after it was written, at the first attempt
OPEN_TICKET_FIRST = 10  # open tickets before closed ones; closed ones are few

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
    value: dict[str, Scalar] = {}


class Names(Noun):
    """Who is who. The model sees the placeholders, people see the names."""

    company: str | None = None
    contact: str | None = None
    owner: str | None = None
    payer: str | None = None  # the customer's name at Stripe: a person or the company

    def hide(self, text: str) -> str:
        """Every known name in `text` becomes its placeholder."""
        for spelling, placeholder in self._spellings:
            if spelling.casefold() in text.casefold():
                text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", placeholder, text, flags=re.I)
        return text

    def reveal(self, text: str) -> str:
        for placeholder, name in self._meanings:
            text = re.sub(rf"(?<!\w){placeholder}(?!\w)", lambda _, name=name: name, text)  # type: ignore[misc]
        return text

    @property
    def _meanings(self) -> tuple[tuple[str, str], ...]:
        return (
            ("CONTACT_1", self.contact or "the contact"),
            ("COMPANY", self.company or "the customer"),
            ("OWNER", self.owner or "the account owner"),
        )

    @property
    def _spellings(self) -> list[tuple[str, str]]:
        found = {
            **dict.fromkeys(_person(self.owner), "OWNER"),
            **dict.fromkeys(_person(self.payer), "CONTACT_1"),
            **dict.fromkeys(_person(self.contact), "CONTACT_1"),
            **dict.fromkeys(_firm(self.company), "COMPANY"),
        }
        return sorted(found.items(), key=lambda pair: -len(pair[0]))


_LEGAL_FORM = re.compile(
    r"[,\s]+(?:gmbh(?: & co\.? kg)?|ag|kg|ug|inc|llc|ltd|limited|corp|corporation|co|plc|s\.?a\.?r?\.?l?"
    r"|s\.?r\.?l|s\.?p\.?a|b\.?v|n\.?v|oy|ab|as|aps|k\.?k|pty|pte|sas|sl|lda|sp\. z o\.o)\.?$",
    re.IGNORECASE,
)


def _firm(name: str | None) -> Iterator[str]:
    if name and len(name.strip()) >= 3:
        yield name.strip()
        short = _LEGAL_FORM.sub("", name.strip())
        if len(short) >= 4:
            yield short


def _person(name: str | None) -> Iterator[str]:
    parts = (name or "").split()
    if parts:
        yield " ".join(parts)
    yield from (part for part in parts if len(part) >= 3 and part[0].isupper())


class Pack(Noun):
    """What was known at `now`, frozen: the same facts make the same pack and the same hash."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    invoice: InvoiceId
    now: Utc
    playbook: str
    names: Names = Names()
    evidence: tuple[Evidence, ...]
    removed: dict[str, int] = {}  # what redaction took out, by kind

    @cached_property
    def by_id(self) -> dict[str, Evidence]:
        return {fact.id: fact for fact in self.evidence}

    @cached_property
    def hash(self) -> str:
        return canonical_hash(self.body)

    @property
    def body(self) -> dict[str, object]:
        """As it is stored."""
        return self.model_dump(mode="json")

    def plus(self, more: Iterable[Evidence]) -> "Pack":
        """With what look-ups found. A fuller text is added beside the short one, under its own id."""
        fresh = {fact.id: fact for fact in more if fact.id not in self.by_id}
        return self.model_copy(update={"evidence": (*self.evidence, *fresh.values())})


def canonical_hash(body: object) -> str:
    """SHA-256 of the one way to write this as JSON."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def names_of(facts: Facts, playbook: Playbook) -> Names:
    """Of redacted facts. A company may call itself anything; a name that gives orders is none."""
    crm = facts.crm
    customer = _a_name(facts.customer.name, playbook)
    company = _a_name(crm.company_name if crm else None, playbook) or customer
    contact = (
        _a_name(crm.contact_first_name, playbook) if crm and crm.contact_first_name else customer
    )
    return Names(
        company=company,
        contact=None if contact == company else contact,
        payer=None if customer == company else customer,
        owner=_a_name(crm.owner.name, playbook) if crm and crm.owner else None,
    )


def _a_name(text: str | None, playbook: Playbook) -> str | None:
    return text if text and "[" not in text and not attacks(text, playbook) else None


def build(facts: Facts, options: Options, playbook: Playbook) -> Pack:
    """The pack of these facts, and of what the rules said about them. Redacts what it is given."""
    clean, removed = redact_facts_counted(facts)
    names = names_of(clean, playbook)
    texts = [
        fact.model_copy(update={"text": names.hide(fact.text)}) for fact in _texts(clean, playbook)
    ]
    ours = [*_derived(clean, playbook), *_findings(clean, options), *_unread(clean)]
    return Pack(
        invoice=facts.invoice.id,
        now=facts.now,
        playbook=playbook.hash,
        names=names,
        evidence=(*_account(clean, playbook), *texts, *ours),
        removed=removed,
    )


# ── what a look-up may add ──────────────────────────────────────────────────────────────


def in_full(facts: Facts, id: str, playbook: Playbook) -> Evidence | None:
    """A note or ticket of the pack at up to 3,000 characters, as `NOTE.3.FULL`."""
    found = {fact.id: fact for fact in _every_text(redact_facts(facts), LOOKED_UP)}.get(id)
    return found and _hidden(found.model_copy(update={"id": f"{id}.FULL"}), facts, playbook)


def older_notes(
    facts: Facts, before: str, playbook: Playbook, most: int = 10
) -> tuple[Evidence, ...]:
    """Up to ten notes older than the one named, whatever their age."""
    notes = [fact for fact in _every_text(redact_facts(facts), SHOWN) if fact.kind == "note"]
    place = next((place for place, note in enumerate(notes) if note.id == before), None)
    if place is None:
        return ()
    return tuple(_hidden(note, facts, playbook) for note in notes[place + 1 : place + 1 + most])


def paid_invoices(facts: Facts, months: int) -> tuple[Evidence, ...]:
    """The customer's paid invoices of so many months, newest first."""
    since = facts.now - timedelta(days=31 * months)
    return tuple(fact for fact in _paid(facts.billing) if fact.as_of and fact.as_of >= since)


def cited(facts: Facts, id: str, playbook: Playbook) -> Evidence | None:
    """A fact by its id even when the pack itself did not show it."""
    if id.endswith(".FULL"):
        return in_full(facts, id.removesuffix(".FULL"), playbook)
    return {
        fact.id: fact
        for fact in (*older_notes(facts, "NOTE.1", playbook, 50), *_paid(facts.billing))
    }.get(id)


def _hidden(fact: Evidence, facts: Facts, playbook: Playbook) -> Evidence:
    return fact.model_copy(update={"text": names_of(redact_facts(facts), playbook).hide(fact.text)})


# ── the account ─────────────────────────────────────────────────────────────────────────


def _account(facts: Facts, playbook: Playbook) -> Iterator[Evidence]:
    yield _invoice(facts)
    if facts.failure:
        yield _failure(facts.failure, playbook)
    if facts.payment_method:
        yield _payment_method(facts.payment_method, facts.now)
    if facts.subscription:
        yield _subscription(facts.subscription, facts.now)
    yield from _disputes(facts)
    yield from _other_invoices(facts)
    yield from list(_paid(facts.billing))[:PAID_SHOWN]
    yield from _failures(facts.billing)
    yield from _recoveries(facts.billing)
    yield _company(facts)
    yield _owner(facts.crm)


def _fact(
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
    return _fact(
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
        text = f"The latest attempt failed on {on}: the bank will not approve this card again. No reason may be named."
        return _fact("ERR.1", "failure", text, failure.failed_at, family="security", failed_on=on)
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
    return _fact(
        "ERR.1", "failure", text, failure.failed_at,
        failed_on=on, category=rule.category if rule else None,
        more={name: code(value) for name, value in codes.items() if value},
    )  # fmt: skip


def _payment_method(method: PaymentMethod, now: datetime) -> Evidence:
    if method.type != "card":
        return _fact(
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
    return _fact(
        "PM.1", "payment_method", ", ".join(parts) + ".", now,
        brand=method.brand, funding=method.funding, expiry=expiry, updated_on=_day(method.updated_at),
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
    return _fact(
        "SUB.1", "subscription", "; ".join(parts) + ".", now,
        period_end=_day(subscription.current_period_end), trial_end=_day(subscription.trial_end),
        resumes_at=_day(subscription.resumes_at),
    )  # fmt: skip


def _disputes(facts: Facts) -> Iterator[Evidence]:
    for number, dispute in enumerate(_newest(facts.disputes, "created"), start=1):
        text = f"A dispute over {dispute.amount.plain} of {day(dispute.created)}, status {code(dispute.status)}."
        yield _fact(
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
        text = f"Another unpaid invoice: {other.remaining.plain} of {day(other.created)}, {other.attempt_count} attempts."
        yield _fact(
            f"OPN.{number}",
            "open_invoice",
            text,
            other.created,
            remaining=other.remaining.plain,
            created=day(other.created),
            attempts=other.attempt_count,
        )


def _paid(billing: Billing | None) -> Iterator[Evidence]:
    rows = _newest(billing.paid_invoices, "paid_at") if billing else []
    for number, paid in enumerate(rows, start=1):
        text = f"{paid.amount.plain} of {day(paid.created)}, paid on {day(paid.paid_at)} at attempt {paid.attempts}."
        yield _fact(
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
        yield _fact(
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
        text = f"A failure of {day(recovery.failed_at)} was recovered on {day(recovery.recovered_at)}{via}, after {took} days."
        yield _fact(
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
    parts = []
    if billing:
        parts.append(
            f"plan {label(billing.plan_name or billing.plan_tier)} (tier {label(billing.plan_tier)})"
        )
        if billing.mrr:
            parts.append(f"monthly revenue {billing.mrr.plain}")
        if billing.seats:
            parts.append(f"{billing.seats} seats")
    if crm:
        flags = {
            "VIP": crm.vip,
            "asked not to be contacted": crm.do_not_contact,
            "opted out of marketing": crm.marketing_opt_out,
        }
        parts += [flag for flag, up in flags.items() if up]
        if crm.lifecycle_stage:
            parts.append(f"lifecycle stage {label(crm.lifecycle_stage)}")
        if crm.health_score is not None:
            parts.append(f"health score {crm.health_score}")
    where = [
        part
        for part in (facts.customer.country, facts.customer.timezone, facts.customer.locale)
        if part
    ]
    if where:
        parts.append("country, time zone, language: " + ", ".join(label(part) for part in where))
    return _fact(
        "CO.1", "account", "COMPANY: " + "; ".join(parts or ["nothing more is known"]) + ".", facts.now, Trust.INTERNAL,
        mrr=billing.mrr.plain if billing and billing.mrr else None, seats=billing.seats if billing else None,
        plan=label(billing.plan_name or billing.plan_tier) if billing else None,
    )  # fmt: skip


def _owner(crm: Crm | None) -> Evidence:
    known = crm is not None and crm.owner is not None and crm.owner.name
    text = (
        "OWNER looks after this account."
        if known
        else "No colleague is named as owner of this account."
    )
    return _fact("OWN.1", "owner", text, None, Trust.INTERNAL)


# ── other people's texts ────────────────────────────────────────────────────────────────


def _texts(facts: Facts, playbook: Playbook) -> Iterator[Evidence]:
    if facts.invoice.description:
        yield _fact(
            "INV.2",
            "invoice_description",
            shorten(facts.invoice.description, SHOWN),
            facts.invoice.created,
            Trust.CUSTOMER,
        )
    if facts.crm is None:
        return
    recent = facts.now - timedelta(days=playbook.hubspot.notes_days)
    texts = [
        fact
        for fact in _every_text(facts, SHOWN)
        if fact.as_of is None or fact.as_of >= recent or _is_open(fact)
    ]
    yield from [fact for fact in texts if fact.kind == "note"][: playbook.hubspot.max_notes]
    tickets = [fact for fact in texts if fact.kind == "ticket"]
    yield from [fact for fact in tickets if _is_open(fact)][:OPEN_TICKET_FIRST]
    yield from [fact for fact in tickets if not _is_open(fact)][: playbook.hubspot.max_tickets]
    yield from _deals(facts.crm)


def _is_open(fact: Evidence) -> bool:
    return fact.value.get("open") is True


def _every_text(facts: Facts, cap: int) -> Iterator[Evidence]:
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
    return _fact(f"NOTE.{number}", "note", shorten(note.text, cap), note.at, trust, on=day(note.at))


_CLOSED = frozenset({"closed", "resolved", "solved", "done", "completed", "cancelled", "archived"})


def _ticket(number: int, ticket: Ticket, cap: int) -> Evidence:
    status = (ticket.status or "").lower()
    head = f"[ticket, {label(status or 'status unknown')}, priority {label(ticket.priority or 'unknown')}] "
    body = ": ".join(part for part in (ticket.subject, ticket.text) if part)
    return _fact(
        f"TKT.{number}", "ticket", head + shorten(body, cap), ticket.at, Trust.CUSTOMER,
        on=day(ticket.at), open=status not in _CLOSED,
    )  # fmt: skip


def _deals(crm: Crm) -> Iterator[Evidence]:
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
    return _fact(
        f"DEAL.{number}", "deal", ", ".join(parts) + ".", None, Trust.INTERNAL,
        amount=deal.amount.plain if deal.amount else None, close_date=_day(deal.close_date),
    )  # fmt: skip


# ── derived facts, policy findings, gaps ────────────────────────────────────────────────


def _derived(facts: Facts, playbook: Playbook) -> Iterator[Evidence]:
    found = [
        one
        for make in (
            _tenure,
            _on_time,
            _usual_delay,
            _recovery_days,
            _streak,
            _open_balance,
            _mrr_band,
            _renewal,
            _period_end,
            _local_time,
            _paydays,
            _bank_days,
            _card_changed,
        )  # fmt: skip
        if (one := make(facts, playbook)) is not None
    ]
    for number, (kind, text, value) in enumerate(found, start=1):
        yield _fact(f"DER.{number}", kind, text, facts.now, more=value)


Derived = tuple[str, str, dict[str, Scalar]] | None


def _tenure(facts: Facts, playbook: Playbook) -> Derived:
    days = facts.billing.tenure_days if facts.billing else None
    if days is None:
        return None
    return (
        "tenure",
        f"A customer for {in_words(days)} ({days} days).",
        {"days": days, "words": in_words(days)},
    )


def in_words(days: int) -> str:
    """`14 months`, `3 years`, `9 days`."""
    for size, word in ((365, "year"), (30, "month")):
        if days >= 2 * size:
            return f"{days // size} {word}s"
    return f"{days} day{'' if days == 1 else 's'}"


def _on_time(facts: Facts, playbook: Playbook) -> Derived:
    paid = facts.billing.paid_invoices if facts.billing else ()
    if not paid:
        return None
    good = sum(p.attempts <= 1 and p.paid_at - p.created <= ON_TIME for p in paid)
    text = f"{good} of the last {len(paid)} invoices were paid at once, {len(paid) - good} late or after a failure."
    return "paid_on_time", text, {"on_time": good, "invoices": len(paid), "late": len(paid) - good}


def _usual_delay(facts: Facts, playbook: Playbook) -> Derived:
    paid = facts.billing.paid_invoices if facts.billing else ()
    if not paid:
        return None
    days = int(median((p.paid_at - p.created).days for p in paid))
    return (
        "usual_delay",
        f"They usually pay {days} days after the invoice is written.",
        {"days": days},
    )


def _recovery_days(facts: Facts, playbook: Playbook) -> Derived:
    earlier = facts.billing.prior_recoveries if facts.billing else ()
    if not earlier:
        return None
    zone = timing.zone(facts, playbook)
    days = Counter(r.recovered_at.astimezone(zone).day for r in earlier)
    common, times = min(days.items(), key=lambda pair: (-pair[1], pair[0]))
    text = f"{len(earlier)} earlier failures were recovered, {times} of them on day {common} of the month."
    return "recovery_day", text, {"day": common, "times": times, "recoveries": len(earlier)}


def _streak(facts: Facts, playbook: Playbook) -> Derived:
    mine = [a for a in facts.attempts if a.invoice in (None, facts.invoice.id) and not a.succeeded]
    codes = [attempt.code for attempt in sorted(mine, key=lambda a: a.at, reverse=True)]
    if len(codes) < 2:
        return None
    same = next((i for i, c in enumerate(codes) if c != codes[0]), len(codes))
    text = (
        f"The last {same} failed attempts gave the same code; {len(codes)} attempts failed in all."
    )
    return "same_code_streak", text, {"same": same, "failed": len(codes)}


def _open_balance(facts: Facts, playbook: Playbook) -> Derived:
    totals: Counter[str] = Counter(
        {facts.invoice.remaining.currency: facts.invoice.remaining.amount}
    )
    for other in facts.other_open_invoices:
        totals[other.remaining.currency] += other.remaining.amount
    sums = [
        Money(amount=amount, currency=currency).plain for currency, amount in sorted(totals.items())
    ]
    count = 1 + len(facts.other_open_invoices)
    return (
        "open_balance",
        f"Open in all: {' and '.join(sums)} on {count} invoice{'' if count == 1 else 's'}.",
        {"total": " and ".join(sums), "invoices": count},
    )


_BANDS = (100, 1_000, 10_000, 100_000)


def _mrr_band(facts: Facts, playbook: Playbook) -> Derived:
    value = in_usd(facts.billing.mrr, playbook) if facts.billing and facts.billing.mrr else None
    if value is None:
        return None
    below = next((band for band in _BANDS if value < band), None)
    above = next((band for band in reversed(_BANDS) if value >= band), None)
    words = (
        f"under {below:,} USD"
        if above is None
        else f"over {above:,} USD"
        if below is None
        else f"{above:,} to {below:,} USD"
    )
    return "mrr_band", f"Monthly revenue band: {words}.", {"from_usd": above, "to_usd": below}


def _renewal(facts: Facts, playbook: Playbook) -> Derived:
    coming = [
        d.close_date
        for d in (facts.crm.deals if facts.crm else ())
        if d.close_date and d.close_date >= facts.now
    ]
    if not coming:
        return None
    days = (min(coming) - facts.now).days
    return (
        "next_deal",
        f"The next open deal closes in {days} days.",
        {"days": days, "date": day(min(coming))},
    )


def _period_end(facts: Facts, playbook: Playbook) -> Derived:
    end = facts.subscription.current_period_end if facts.subscription else None
    if end is None or end < facts.now:
        return None
    return (
        "period_end",
        f"The paid period ends in {(end - facts.now).days} days.",
        {"days": (end - facts.now).days, "date": day(end)},
    )


def _local_time(facts: Facts, playbook: Playbook) -> Derived:
    local = facts.now.astimezone(timing.zone(facts, playbook))
    text = f"For the customer it is {local:%A}, {local:%Y-%m-%d %H:%M}."
    return "local_time", text, {"date": f"{local:%Y-%m-%d}"}


def _paydays(facts: Facts, playbook: Playbook) -> Derived:
    today = facts.now.astimezone(timing.zone(facts, playbook)).date()
    days = timing.paydays(facts, playbook, today, today + timedelta(days=20))[:3]
    if not days:
        return None
    text = f"Days on which money is likely to arrive: {', '.join(map(str, days))}."
    return "paydays", text, {f"day_{number}": str(day) for number, day in enumerate(days, start=1)}


def _bank_days(facts: Facts, playbook: Playbook) -> Derived:
    today = facts.now.astimezone(timing.zone(facts, playbook)).date()
    days = [str(timing.bank_days_after(facts, today, count)) for count in (1, 2)]
    return (
        "next_bank_days",
        f"The next bank days are {' and '.join(days)}.",
        {"first": days[0], "second": days[1]},
    )


def _card_changed(facts: Facts, playbook: Playbook) -> Derived:
    method, failure = facts.payment_method, facts.failure
    if method is None or failure is None:
        return None
    swapped = failure.payment_method is not None and failure.payment_method != method.id
    newer = method.updated_at is not None and method.updated_at > failure.failed_at
    if not (swapped or newer):
        return None
    return (
        "card_changed",
        "What would be charged next has changed since the failure.",
        {"changed": True},
    )


def _findings(facts: Facts, options: Options) -> Iterator[Evidence]:
    said: dict[str, Reason] = {}
    for reason in (*options.reasons, *options.approval):
        said.setdefault(reason.code, reason)
    for blocked in options.blocked:
        text = f"{_verb(blocked.action)} is not allowed: {blocked.text}"
        said[blocked.code] = Reason(code=blocked.code, text=text)
    for number, reason in enumerate(said.values(), start=1):
        yield _fact(
            f"POL.{number}", "policy", _without_digits(reason.text, facts), None, code=reason.code
        )


def _without_digits(text: str, facts: Facts) -> str:
    """People may see a card's last digits; a model has no use for them."""
    last4 = facts.payment_method.last4 if facts.payment_method else None
    return (
        re.sub(rf"(?:ending (?:in )?)?(?<!\d){re.escape(last4)}(?!\d)", "on file", text)
        if last4
        else text
    )


def _verb(action: Action) -> str:
    return action.value.replace("_", " ").capitalize()


_UNREAD = {
    Source.STRIPE: "The payment processor could not be read just now.",
    Source.BILLING: "The billing database could not be read just now.",
    Source.CRM: "The CRM could not be read just now: nobody knows what the customer wrote.",
}


def _unread(facts: Facts) -> Iterator[Evidence]:
    gaps = [_UNREAD[source] for source in facts.missing]
    if facts.billing is None and Source.BILLING not in facts.missing:
        gaps.append("The billing database has no row for this customer.")
    if facts.crm is None and Source.CRM not in facts.missing:
        gaps.append("The CRM has no record of this customer.")
    for number, gap in enumerate(gaps, start=1):
        yield _fact(f"MISS.{number}", "missing", gap)


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
