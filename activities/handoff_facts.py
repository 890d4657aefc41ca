"""The few facts that a handoff states, each with its source."""

from collections.abc import Iterable
from dataclasses import dataclass

from activities import quotes, words
from activities.handoff_case import Case
from activities.words import Family
from workflows.facts import Deal, Facts, Source
from workflows.playbook import Playbook


@dataclass(frozen=True)
class Fact:
    text: str
    source: str  # Stripe | HubSpot | Billing
    url: str | None = None


def stripe_url(facts: Facts) -> str:
    """The invoice in Stripe's dashboard."""
    mode = "" if facts.invoice.livemode else "test/"
    return f"https://dashboard.stripe.com/{mode}invoices/{facts.invoice.id}"


def hubspot_url(facts: Facts, playbook: Playbook) -> str | None:
    """HubSpot's links need the portal's number; without one the record is only named."""
    if facts.crm is None or not playbook.hubspot.portal:
        return None
    return f"https://app.hubspot.com/contacts/{playbook.hubspot.portal}/record/0-2/{facts.crm.company_id}"


def hubspot_record(case: Case) -> Fact | None:
    """The account's record, for the foot of the letter."""
    crm = case.facts.crm
    if crm is None:
        return None
    company = words.tidy(crm.company_id, 30)
    return Fact(f"company {company}", "HubSpot", hubspot_url(case.facts, case.playbook))


def facts_of(case: Case) -> Iterable[Fact]:
    """Four to six facts, the ones that change what a person would do first."""
    stripe = stripe_url(case.facts)
    yield Fact(_open_amount(case), "Stripe", stripe)
    yield Fact(_what_happened(case), "Stripe", stripe)
    if subscription := _subscription(case):
        yield Fact(subscription, "Stripe", stripe)
    crm = case.facts.crm
    relation = _relation(case)
    telling = crm is not None and (crm.vip or crm.do_not_contact)
    if relation and telling:  # it must not be what falls away in a long letter
        yield Fact(relation, "HubSpot", hubspot_url(case.facts, case.playbook))
    if account := _account(case):
        yield Fact(account, "Billing")
    elif Source.BILLING in case.facts.missing:
        yield Fact("billing history could not be read", "Billing")
    if relation and not telling:
        yield Fact(relation, "HubSpot", hubspot_url(case.facts, case.playbook))
    yield Fact(_attempts(case), "Stripe", stripe)


def _open_amount(case: Case) -> str:
    invoice = case.facts.invoice
    number = words.tidy(invoice.number, 40) or invoice.id
    text = f"{words.money_twice(invoice.remaining)} open on invoice {number}"
    if invoice.due_date and invoice.collection_method == "send_invoice":
        text += f", due {words.date(invoice.due_date, case.tz)}"
    others = [one for one in case.facts.other_open_invoices if one.status == "open"]
    if others:
        text += f"; {words.plural(len(others), 'more open invoice')}"
    return text


def _what_happened(case: Case) -> str:
    reason = case.explained
    failure = case.facts.failure
    if case.family is Family.INVOICE:
        tried = (
            f"; a card was declined on {words.day(failure.failed_at, case.tz)}" if failure else ""
        )
        return f"Sent for payment by hand{tried}"
    method = words.method_name(case.facts)
    return f"{method}: {reason}" if method else reason[0].upper() + reason[1:]


def _attempts(case: Case) -> str:
    facts = case.facts
    by_stripe, by_us = facts.invoice.attempt_count, facts.our_attempts
    text = f"{words.plural(by_stripe, 'attempt')} by Stripe, {by_us} by us"
    if facts.failure:
        text += f", last {words.day(facts.failure.failed_at, case.tz)}"
    upcoming = facts.invoice.next_payment_attempt
    if upcoming and case.playbook.retries.owner == "stripe":
        return f"{text}; Stripe’s next is {words.day(upcoming, case.tz)}"
    return text


OPEN_DISPUTES = frozenset(
    {"needs_response", "under_review", "warning_needs_response", "warning_under_review"}
)


def _subscription(case: Case) -> str | None:
    subscription = case.facts.subscription
    if subscription is None:
        return None
    end = subscription.current_period_end
    if subscription.collection_paused:
        until = subscription.resumes_at
        return "Collection is paused" + (f" until {words.date(until, case.tz)}" if until else "")
    if subscription.status == "canceled":
        return "Subscription is canceled"
    if subscription.cancel_at_period_end:
        return "Subscription set to cancel" + (f" on {words.date(end, case.tz)}" if end else "")
    if any(dispute.status in OPEN_DISPUTES for dispute in case.facts.disputes):
        return "A dispute on an earlier charge is open"
    return None


def _account(case: Case) -> str | None:
    billing = case.facts.billing
    if billing is None:
        return None
    parts = []
    if plan := words.tidy(billing.plan_name or billing.plan_tier, 30):
        plan = plan if plan.lower().endswith("plan") else f"{plan} plan"
        parts.append(plan + (f", {words.money(billing.mrr)} a month" if billing.mrr else ""))
    if billing.tenure_days:
        parts.append(f"customer for {words.months(billing.tenure_days)}")
    if paid := billing.paid_invoices:
        late = sum(one.attempts > 1 for one in paid)
        if len(paid) == 1:
            parts.append(f"its one paid invoice was {'late' if late else 'on time'}")
        else:
            parts.append(f"{late or 'none'} of {len(paid)} paid invoices late")
    return "; ".join(parts) or None


def _relation(case: Case) -> str | None:
    crm = case.facts.crm
    if crm is None:
        missing = Source.CRM in case.facts.missing
        return "HubSpot could not be read" if missing else "No HubSpot record found"
    parts = ["VIP"] if crm.vip else []
    if crm.do_not_contact:
        parts.append("asked not to be contacted")
    if crm.health_score is not None:
        parts.append(f"account health {crm.health_score} of 100")
    if deal := next_deal(case.facts):
        name = words.tidy(deal.name, 40)
        named = (
            f"deal “{name}”" if name and not quotes.instructs(name, case.playbook) else "open deal"
        )
        closing = f" closes {words.date(deal.close_date, case.tz)}" if deal.close_date else " open"
        parts.append(named + closing)
    text = "; ".join(parts)
    return text[0].upper() + text[1:] if text else None


def next_deal(facts: Facts) -> Deal | None:
    """The open deal that closes first."""
    crm = facts.crm
    deals = [
        d for d in (crm.deals if crm else ()) if not (d.stage or "").lower().startswith("closed")
    ]
    dated = sorted((d for d in deals if d.close_date), key=lambda d: d.close_date or facts.now)
    return next(iter(dated), next(iter(deals), None))
