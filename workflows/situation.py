"""One failed invoice as the rules see it: the facts, and what follows from them, computed once.

Names here are what rules and their sentences speak of. Nothing decides anything yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property

from workflows import declines, reading, timing
from workflows.case import Slot
from workflows.declines import Family
from workflows.facts import BankAttempt, Deal, Dispute, Facts, Source, Ticket
from workflows.money import Money, exponent
from workflows.playbook import DeclineRule, Playbook
from workflows.reading import Signal, Topic

OPEN_DISPUTES = frozenset({"needs_response", "under_review"})
CLOSED_DISPUTES = frozenset({"won", "lost", "warning_closed", "charge_refunded", "prevented"})
GONE_STAGES = frozenset(
    [
        "churned",
        "churn",
        "former_customer",
        "formercustomer",
        "ex_customer",
        "lost",
        "cancelled",
        "canceled",
        "inactive",
    ]
)
RENEWAL_TYPES = frozenset(
    ["renewal", "expansion", "upsell", "upgrade", "cross_sell", "existingbusiness"]
)
RENEWAL_WORDS = ("renew", "expansion", "upsell", "verlänger")
RECENT = timedelta(hours=6)  # a failure this fresh is decided now: waits count from the decision
LOW_HEALTH = 40  # of 100
SMALL_USD = 100  # a month; below it a person's time costs more than the bill
NEW_CUSTOMER_DAYS = 30
UNUSUAL = 3  # times the largest amount ever paid
MONTHS = {
    "month": Decimal(1), "year": Decimal(12), "week": Decimal("0.23"), "day": Decimal("0.033"),
}  # fmt: skip
RENEWAL_OVERDUE = timedelta(days=30)
SEPA_GAP = timedelta(hours=72)
SOON = timedelta(hours=24)
TICKET_DAYS = timedelta(days=30)


@dataclass(frozen=True)
class Situation:
    facts: Facts
    playbook: Playbook
    deciding: bool = True  # False at a wake-up: waits then count from the failure, never from now

    @cached_property
    def awake(self) -> "Situation":
        """The same case as it looks at a wake-up. What was read once is not read again."""
        later = replace(self, deciding=False)
        later.__dict__["signals"] = self.signals
        return later

    # ── money ───────────────────────────────────────────────────────────────────────────

    @property
    def now(self) -> datetime:
        return self.facts.now

    @property
    def amount(self) -> str:
        return self.facts.invoice.remaining.plain

    @cached_property
    def amount_usd(self) -> Decimal | None:
        return in_usd(self.facts.invoice.remaining, self.playbook)

    @cached_property
    def value_usd(self) -> Decimal | None:
        """Worth of the account a month: its recurring revenue, else what this invoice comes to."""
        billing = self.facts.billing
        if billing is not None and billing.mrr is not None:
            return in_usd(billing.mrr, self.playbook)
        if self.amount_usd is None:
            return None
        return self.amount_usd / max(self.months_billed, Decimal(1))

    @property
    def months_billed(self) -> Decimal:
        subscription = self.facts.subscription
        if subscription is None or subscription.interval not in MONTHS:
            return Decimal(1)
        return MONTHS[subscription.interval] * (subscription.interval_count or 1)

    @property
    def reaches_the_approval_limit(self) -> str:
        if self.amount_usd is None:
            return "is in a currency that the playbook has no rate for"
        return f"reaches the {self.playbook.approval.amount_usd:,} USD from which a person agrees"

    @property
    def is_large(self) -> bool:
        """At or above the amount that a person must approve; without a rate it counts as above."""
        return self.amount_usd is None or self.amount_usd >= self.playbook.approval.amount_usd

    @property
    def filter_text(self) -> str | None:
        """Why the playbook leaves this invoice to Stripe; None when it does not. What cannot be
        told (no rate, no plan) is never filtered.
        """
        filters = self.playbook.filters
        if self.amount_usd is not None and self.amount_usd < Decimal(str(filters.min_amount_usd)):
            return (
                f"{self.amount} is worth {self.amount_usd:,.2f} USD; invoices below "
                f"{filters.min_amount_usd:,g} USD are left to Stripe."
            )
        if self.tier is not None and self.tier in {t.lower() for t in filters.skip_plan_tiers}:
            return f"Invoices of the {self.tier} plan are left to Stripe."
        return None

    # ── who ─────────────────────────────────────────────────────────────────────────────

    @cached_property
    def tier(self) -> str | None:
        billing = self.facts.billing
        return billing.plan_tier.lower() if billing and billing.plan_tier else None

    @property
    def vip(self) -> bool:
        return bool(self.facts.crm and self.facts.crm.vip)

    @property
    def is_named_account(self) -> bool:
        """VIPs and the tiers whose customer mails a person approves."""
        return self.vip or (self.tier or "") in self.playbook.approval.tiers

    @cached_property
    def is_high_value(self) -> bool:
        high = self.playbook.high_value
        worth = self.value_usd is not None and self.value_usd >= high.mrr_usd
        return self.vip or (self.tier or "") in high.tiers or worth

    @cached_property
    def is_small(self) -> bool:
        if self.is_high_value:
            return False
        if self.tier is not None:
            return self.tier == "starter"
        return self.value_usd is not None and self.value_usd < SMALL_USD

    @property
    def value_may_be_high(self) -> bool:
        """Nobody could tell what this account is worth: for approval, that counts as much."""
        return Source.BILLING in self.facts.missing or Source.CRM in self.facts.missing

    @property
    def do_not_contact(self) -> bool:
        return bool(self.facts.crm and self.facts.crm.do_not_contact)

    @property
    def is_new(self) -> bool:
        billing = self.facts.billing
        return billing is None or (billing.tenure_days or 0) < NEW_CUSTOMER_DAYS

    @property
    def low_health(self) -> bool:
        score = self.facts.crm.health_score if self.facts.crm else None
        return score is not None and score < LOW_HEALTH

    @cached_property
    def urgent_ticket(self) -> Ticket | None:
        tickets = self.facts.crm.tickets if self.facts.crm else ()
        return next((ticket for ticket in tickets if self._is_urgent(ticket)), None)

    def _is_urgent(self, ticket: Ticket) -> bool:
        is_open = (ticket.status or "").lower() not in reading.RESOLVED
        loud = (ticket.priority or "").lower() in ("high", "urgent", "critical", "p1")
        cross = any(word in (ticket.sentiment_cue or "").lower() for word in _CROSS)
        return is_open and (loud or cross) and self.now - ticket.at <= TICKET_DAYS

    # ── the decline ─────────────────────────────────────────────────────────────────────

    @cached_property
    def family(self) -> Family:
        return declines.family(self.facts.failure, self.playbook)

    @property
    def code(self) -> str:
        return declines.decline_code(self.facts.failure) or "none given"

    @cached_property
    def row(self) -> DeclineRule | None:
        return declines.row_for(self.facts.failure, self.playbook)

    @property
    def blocked(self) -> bool:
        return declines.blocked(self.facts.failure)

    @cached_property
    def advice(self) -> declines.Advice | None:
        return declines.mastercard_advice(self.facts.failure, self.facts.payment_method)

    @property
    def advice_meaning(self) -> str:
        return self.advice.meaning if self.advice else ""

    @property
    def network_advice_code(self) -> str:
        return (self.facts.failure.network_advice_code if self.facts.failure else None) or ""

    @property
    def advice_code(self) -> str:
        failure = self.facts.failure
        deprecated = {"do_not_try_again", "try_again_later"} & {self.code}
        return (failure.advice_code if failure else None) or next(iter(deprecated), "")

    @cached_property
    def visa_code(self) -> str | None:
        return declines.visa_code(self.facts.failure, self.facts.payment_method)

    @cached_property
    def is_dangerous(self) -> bool:
        """Stripe or the bank fears misuse: a person looks before anyone is asked for anything."""
        failure = self.facts.failure
        if failure is None:
            return False
        codes = {failure.decline_code, failure.code}
        if codes & declines.DANGER_CODES or failure.risk_level == "highest":
            return True
        if self.blocked:
            risky = failure.risk_level in declines.DANGER_LEVELS
            return risky or failure.outcome_reason in declines.DANGER_REASONS
        return self.family is Family.SENSITIVE and self.is_new and failure.risk_level == "elevated"

    @property
    def is_revoked(self) -> bool:
        """The payer told the bank to stop us. A card they put in since says otherwise.

        One that the network renewed by itself does not.
        """
        said = (
            self.family is Family.REVOKED
            or (self.advice is not None and self.advice.revoked)
            or self.visa_code in declines.VISA_REVOKED
        )
        return said and (self.renewed_by_network or not self.card_changed)

    @property
    def is_hard(self) -> bool:
        final = self.row is not None and self.row.retry_off_session == "no"
        return final and self.family in (Family.CREDENTIAL, Family.SENSITIVE)

    @property
    def is_soft(self) -> bool:
        return self.row is None or self.row.retry_off_session != "no"

    @property
    def row_allows_once(self) -> bool:
        """Our table knows this very block, and says that one more try is worth it."""
        failure, row = self.facts.failure, self.row
        return (
            failure is not None
            and row is not None
            and failure.outcome_reason == row.code
            and row.retry_off_session != "no"
        )

    @property
    def needs_cardholder(self) -> bool:
        waiting = self.facts.invoice.payment_intent_status == "requires_action"
        return waiting or (self.family is Family.AUTHENTICATION and not self.card_changed)

    @property
    def advice_words(self) -> str:
        again = self.advice_code == "do_not_try_again"
        return "not to try again" if again else "to have the card's details confirmed"

    # ── the invoice and the subscription ────────────────────────────────────────────────

    @property
    def invoice_status(self) -> str:
        return self.facts.invoice.status

    @property
    def subscription_status(self) -> str | None:
        return self.facts.subscription.status if self.facts.subscription else None

    @property
    def collection_paused(self) -> bool:
        subscription = self.facts.subscription
        if subscription is None:
            return False
        if subscription.status == "paused":
            return True
        over = subscription.resumes_at is not None and subscription.resumes_at <= self.now
        return subscription.collection_paused and not over

    @property
    def is_invoiced(self) -> bool:
        return self.facts.invoice.collection_method == "send_invoice"

    @property
    def nothing_to_charge(self) -> bool:
        return self.facts.payment_method is None or self.is_invoiced

    @property
    def billing_says_paid(self) -> bool:
        billing, number = self.facts.billing, self.facts.invoice.number
        return bool(billing and number and any(p.number == number for p in billing.paid_invoices))

    @property
    def stripe_owns(self) -> bool:
        return self.playbook.retries.owner == "stripe"

    # ── what would be charged ───────────────────────────────────────────────────────────

    @property
    def is_debit(self) -> bool:
        return timing.is_debit(self.facts)

    @property
    def is_indian_card(self) -> bool:
        method = self.facts.payment_method
        return method is not None and method.type == "card" and method.country == "IN"

    @property
    def method_name(self) -> str:
        return "bank account" if self.is_debit else "card"

    @property
    def last4(self) -> str:
        method = self.facts.payment_method
        return (method.last4 if method else None) or "on file"

    @property
    def expiry(self) -> str:
        method = self.facts.payment_method
        if method is None or method.exp_month is None or method.exp_year is None:
            return "the past"
        return f"{method.exp_month:02d}/{method.exp_year}"

    @cached_property
    def card_ends(self) -> date | None:
        """The first day on which the card is no longer good."""
        method = self.facts.payment_method
        if method is None or method.exp_month is None or method.exp_year is None:
            return None
        if not 1 <= method.exp_month <= 12:
            return None
        return date(method.exp_year + method.exp_month // 12, method.exp_month % 12 + 1, 1)

    @property
    def card_expired(self) -> bool:
        return self.card_ends is not None and self.card_ends <= self.now.date()

    @cached_property
    def card_changed(self) -> bool:
        """What would be charged next is not what failed: other card, other number, other expiry."""
        failure, method = self.facts.failure, self.facts.payment_method
        if failure is None or method is None:
            return False
        if failure.payment_method and failure.payment_method != method.id:
            return True
        if failure.fingerprint and method.fingerprint and failure.fingerprint != method.fingerprint:
            return True
        return method.updated_at is not None and method.updated_at > failure.failed_at

    @property
    def renewed_by_network(self) -> bool:
        method = self.facts.payment_method
        return self.card_changed and method is not None and method.updated_by == "network_updater"

    # ── counting ────────────────────────────────────────────────────────────────────────

    @cached_property
    def asked(self) -> tuple[BankAttempt, ...]:
        """Charges that the bank saw. What Stripe blocked counts for nobody."""
        return tuple(attempt for attempt in self.facts.attempts if attempt.reached_network)

    @cached_property
    def attempts(self) -> int:
        """How often this invoice was put to a bank, whoever did it; the highest count wins."""
        invoice = self.facts.invoice
        seen = sum(attempt.invoice == invoice.id for attempt in self.asked)
        return max(seen, invoice.attempt_count, self._failures_in_billing, self.facts.our_attempts)

    @cached_property
    def _failures_in_billing(self) -> int:
        billing, failure = self.facts.billing, self.facts.failure
        if billing is None or failure is None:
            return 0
        slack = timedelta(minutes=10)
        earlier = {
            past.at
            for past in billing.failed_payments
            if self.facts.invoice.created <= past.at < failure.failed_at - slack
            and past.amount in (None, self.facts.invoice.due, self.facts.invoice.remaining)
        }
        return len(earlier) + 1

    @cached_property
    def card_attempts(self) -> int:
        """How often this very card was asked in 30 days, over all invoices of the customer."""
        if self.card_changed:
            return len(self._on_this_card)
        since = self.now - timedelta(days=30)
        billing = self.facts.billing
        past = sum(f.at > since for f in billing.failed_payments) if billing else 0
        return max(len(self._on_this_card), past + 1)

    @cached_property
    def _on_this_card(self) -> tuple[BankAttempt, ...]:
        method = self.facts.payment_method
        if method is None or method.fingerprint is None:
            return ()
        since = self.now - timedelta(days=30)
        return tuple(
            attempt
            for attempt in self.asked
            if attempt.fingerprint == method.fingerprint and attempt.at > since
        )

    @property
    def last_on_this_card(self) -> datetime | None:
        """The latest charge of this card for another invoice that the bank refused."""
        mine = self.facts.invoice.id
        others = (a.at for a in self._on_this_card if a.invoice != mine and not a.succeeded)
        return max(others, default=None)

    @property
    def most_attempts(self) -> int:
        return self.playbook.retries.max_attempts_per_invoice

    @property
    def most_on_card(self) -> int:
        return self.playbook.retries.max_attempts_per_card_30_days

    @property
    def our_attempts(self) -> int:
        return self.facts.our_attempts

    @property
    def representments_left(self) -> int:
        """How often a returned debit may be presented again.

        Nacha: the original and two more. SEPA: our own caution, one.
        """
        method = self.facts.payment_method
        retries = self.playbook.retries
        ach = method is not None and method.type in ("us_bank_account", "ach_debit")
        most = retries.ach_representments if ach else retries.sepa_representments
        return most + 1 - self.attempts

    @property
    def retries_spent(self) -> bool:
        """The table's own cap for this code; a code it does not know may be asked again once."""
        if self.row is not None:
            return self.attempts > self.row.max_attempts
        return self.family is Family.UNKNOWN and self.attempts > 1

    # ── when ────────────────────────────────────────────────────────────────────────────

    @property
    def failed_at(self) -> datetime:
        return self.facts.failure.failed_at if self.facts.failure else self.facts.invoice.created

    @property
    def waits_from(self) -> datetime:
        """A fresh failure is decided now, so its waits count from now; an old one's from then."""
        fresh = self.deciding and self.now - self.failed_at <= RECENT
        return self.now if fresh else self.failed_at

    @cached_property
    def gap(self) -> timedelta:
        """Between two questions to one bank about one charge."""
        retries = self.playbook.retries
        listed = self.row.min_wait_hours if self.row and self.row.min_wait_hours else 0
        if self.family is Family.TECHNICAL:
            return timedelta(hours=max(retries.technical_gap_hours, listed))
        return timedelta(hours=max(retries.min_gap_hours, listed))

    @property
    def gap_hours(self) -> int:
        return int(self.gap.total_seconds() // 3600)

    @property
    def network_wait(self) -> timedelta | None:
        return self.advice.wait if self.advice else None

    @property
    def network_ready(self) -> datetime | None:
        return self.waits_from + self.network_wait if self.network_wait else None

    @property
    def card_ready(self) -> datetime | None:
        """One question a day to one card, whichever invoice it is about."""
        gap = timedelta(hours=self.playbook.retries.min_gap_hours)
        return self.last_on_this_card + gap if self.last_on_this_card else None

    @property
    def new_card_at(self) -> datetime | None:
        """A replaced card may be asked almost at once, when the customer has finished."""
        if not self.card_changed:
            return None
        soon = self.now + timedelta(minutes=self.playbook.retries.new_card_wait_minutes)
        return max(soon, self.card_ready or soon)

    @property
    def debit_gap_days(self) -> int:
        return self.playbook.retries.debit_gap_bank_days

    @property
    def debit_ready(self) -> datetime:
        """The gap in bank days after the return; for SEPA at least 72 hours, our own caution."""
        method = self.facts.payment_method
        clock = timing.zone(self.facts, self.playbook)
        first = timing.bank_days_after(
            self.facts, self.waits_from.astimezone(clock).date(), self.debit_gap_days
        )
        ready = timing.start_of(self.facts, self.playbook, first)
        if method is not None and method.type == "sepa_debit":
            ready = max(ready, self.waits_from + SEPA_GAP)
        return timing.legal_from(self.facts, self.playbook, ready)

    @property
    def after_stripe(self) -> datetime | None:
        """Clear of Stripe's own next attempt, when it is so near that it may still happen."""
        if self.stripe_next is None or self.stripe_next - self.now > SOON:
            return None
        return self.stripe_next + timedelta(hours=self.playbook.retries.min_gap_hours)

    @property
    def promise_ready(self) -> datetime | None:
        if self.promised is None or self.promised.on is None:
            return None
        return timing.start_of(self.facts, self.playbook, self.promised.on)

    @cached_property
    def contact_at(self) -> datetime:
        return timing.contact_time(self.facts, self.playbook, self.now)

    @property
    def after_last_mail(self) -> datetime | None:
        gap = timedelta(days=self.playbook.contact.min_gap_days)
        last = max((mail.at for mail in self.facts.customer_mails), default=None)
        return last + gap if last is not None and last + gap > self.now else None

    @property
    def mail_gap_days(self) -> int:
        return self.playbook.contact.min_gap_days

    @property
    def office_hours(self) -> str:
        opens, closes = self.playbook.contact.hours
        return f"{opens}:00 and {closes}:00"

    @cached_property
    def latest(self) -> datetime:
        """The last useful instant: the horizon of this case, or the end of the card."""
        mine = [a.at for a in self.asked if a.invoice == self.facts.invoice.id]
        began = max(min(mine, default=self.now), self.now - timedelta(days=60))
        limit = began + timedelta(days=self.playbook.retries.horizon_days)
        if self.card_ends is not None and not self.is_debit:
            ends = datetime.combine(self.card_ends, time(0), tzinfo=self.now.tzinfo)
            limit = min(limit, ends - timedelta(hours=14))  # midnight, wherever on earth
        return limit

    def useful_until(self, earliest: datetime) -> datetime:
        subscription = self.facts.subscription
        period_end = subscription.current_period_end if subscription else None
        if period_end is None or period_end - earliest < timedelta(days=3):
            return self.latest
        return min(self.latest, period_end - timedelta(days=1))

    @property
    def promised(self) -> Signal | None:
        """A promise whose day is still to come, and soon enough to wait for."""
        return next(
            (
                signal
                for signal in self.signals
                if signal.topic == Topic.PROMISE
                and signal.on is not None
                and self.now.date() < signal.on <= self.latest.date()
            ),
            None,
        )

    @property
    def promised_day(self) -> str:
        return day(self.promised.on) if self.promised and self.promised.on else ""

    # ── what people wrote ───────────────────────────────────────────────────────────────

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        return reading.read(self.facts, self.playbook)

    def says(self, *topics: Topic) -> Signal | None:
        return next((signal for signal in self.signals if signal.topic in topics), None)

    def told(self, *topics: Topic) -> str:
        """`a note of 27 June ("chapter 11")`: where, when, and our own phrase; never their text."""
        signal = self.says(*topics)
        if signal is None:
            return "a record"
        source = "ticket" if signal.where.startswith("ticket:") else "note"
        if not signal.where.startswith(("ticket:", "note:")):
            source = signal.where.split(":")[0].replace("_", " ")
        if signal.topic == Topic.INJECTION:
            return f"a {source} of {day(signal.at)} ({signal.phrase})"
        return f'a {source} of {day(signal.at)} ("{spoken(signal.phrase)}")'

    @property
    def legal_source(self) -> str:
        return self.told(Topic.INSOLVENCY, Topic.LEGAL, Topic.BEREAVEMENT)

    @property
    def legal_kind(self) -> str:
        kinds = {
            Topic.INSOLVENCY: "insolvency or bankruptcy (a stay may forbid collecting)",
            Topic.LEGAL: "a lawyer, a court or a legal notice (refer it to counsel)",
            Topic.BEREAVEMENT: "a death, grave illness or emergency",
        }
        signal = self.says(*kinds)
        return kinds[signal.topic] if signal else "a sensitive matter"

    @property
    def disputed_source(self) -> str:
        return self.told(Topic.DISPUTED)

    @property
    def claim_source(self) -> str:
        return self.told(Topic.PAID, Topic.CREDIT)

    @property
    def attack_source(self) -> str:
        return self.told(Topic.INJECTION, Topic.REDIRECT)

    @property
    def cancel_source(self) -> str:
        return self.told(Topic.CANCEL)

    @property
    def churn_source(self) -> str:
        return self.told(Topic.CHURN, Topic.CANCEL)

    @property
    def mood_source(self) -> str:
        if self.says(Topic.ANGER, Topic.OUTAGE) is None and self.urgent_ticket is not None:
            return f"an open ticket of {day(self.urgent_ticket.at)}"
        return self.told(Topic.ANGER, Topic.OUTAGE)

    @property
    def process_source(self) -> str:
        return self.told(Topic.PROCESS)

    @cached_property
    def meeting(self) -> Signal | None:
        """One that is still ahead, or undated and recent."""
        for signal in self.signals:
            if signal.topic != Topic.MEETING:
                continue
            ahead = signal.on is not None and signal.on >= self.now.date()
            undated = signal.on is None and self.now - signal.at <= timedelta(days=21)
            if ahead or undated:
                return signal
        return None

    @property
    def meeting_day(self) -> str:
        return f" for {day(self.meeting.on)}" if self.meeting and self.meeting.on else ""

    @property
    def is_upset(self) -> bool:
        return self.says(Topic.ANGER, Topic.OUTAGE) is not None or self.urgent_ticket is not None

    @property
    def recovers_by_retry(self) -> bool:
        """Earlier failures were cured by asking again."""
        past = self.facts.billing.prior_recoveries if self.facts.billing else ()
        return any("retry" in (recovery.via or "").lower() for recovery in past)

    @property
    def tier_word(self) -> str:
        return self.tier or "important"

    @property
    def billing_gap(self) -> str:
        unread = Source.BILLING in self.facts.missing
        return "could not be read" if unread else "have no row for this customer"

    @property
    def crm_gap(self) -> str:
        return "could not be read" if Source.CRM in self.facts.missing else "does not exist"

    @cached_property
    def unread_words(self) -> bool:
        """A customer's own recent note that nobody has understood: a person should read it."""
        crm, high = self.facts.crm, self.playbook.high_value
        worth = max(self.value_usd or Decimal(0), self.amount_usd or Decimal(0))
        if crm is None or worth < high.unread_note_amount_usd:
            return False
        since = self.now - timedelta(days=high.unread_note_days)
        return any(note.by_customer and note.at >= since for note in crm.notes)

    # ── deals, disputes, contradictions ─────────────────────────────────────────────────

    @cached_property
    def open_dispute(self) -> Dispute | None:
        """Anything not known to be closed counts as open."""
        return next((d for d in self.facts.disputes if d.status not in CLOSED_DISPUTES), None)

    @property
    def dispute_status(self) -> str:
        return self.open_dispute.status.replace("_", " ") if self.open_dispute else "open"

    @cached_property
    def open_renewal(self) -> Deal | None:
        deals = self.facts.crm.deals if self.facts.crm else ()
        return next((deal for deal in deals if self._is_open_renewal(deal)), None)

    def _is_open_renewal(self, deal: Deal) -> bool:
        stage = (deal.stage or "").lower().replace(" ", "").replace("_", "")
        if any(word in stage for word in ("closed", "won", "lost")):
            return False
        kind = (deal.type or "").lower()
        named = any(word in (deal.name or "").lower() for word in RENEWAL_WORDS)
        if not (kind in RENEWAL_TYPES or named) or deal.close_date is None:
            return False
        ahead = timedelta(days=self.playbook.approval.renewal_days)
        return -RENEWAL_OVERDUE <= deal.close_date - self.now <= ahead

    @property
    def renewal_day(self) -> str:
        renewal = self.open_renewal
        return day(renewal.close_date) if renewal and renewal.close_date else "soon"

    @cached_property
    def conflicts(self) -> tuple[str, ...]:
        """Where two sources say different things. Each is a sentence."""
        return tuple(self._conflicts())

    def _conflicts(self) -> Iterable[str]:
        facts, billing, crm = self.facts, self.facts.billing, self.facts.crm
        invoice, subscription = facts.invoice, facts.subscription
        if billing is not None:
            if self.billing_says_paid:
                yield f"Billing lists invoice {invoice.number} as paid, Stripe as open."
            if billing.mrr is not None and billing.mrr.currency != invoice.remaining.currency:
                yield (
                    f"Billing counts in {billing.mrr.currency.upper()},"
                    f" the invoice is in {invoice.remaining.currency.upper()}."
                )
            if self._is_unusual:
                yield f"{self.amount} is far more than this customer has ever been billed."
        alive = self.subscription_status in ("active", "past_due", "trialing")
        if crm is not None and alive:
            stage = (crm.lifecycle_stage or "").lower().replace(" ", "_").replace("-", "_")
            if stage in GONE_STAGES:
                yield "The CRM lists a former customer, Stripe an active subscription."
        leaving = subscription is not None and subscription.cancel_at_period_end
        if self.says(Topic.CANCEL) and alive and not leaving:
            yield f"Stripe's subscription runs on, but see {self.cancel_source} on cancelling."
        if self.says(Topic.STAYING) and self.says(Topic.CANCEL, Topic.CHURN):
            yield "One note says that the customer stays, another that they leave."

    @property
    def _is_unusual(self) -> bool:
        billing, invoice = self.facts.billing, self.facts.invoice
        if billing is None or billing.mrr is None or invoice.billing_reason != "subscription_cycle":
            return False
        if billing.mrr.currency != invoice.due.currency:
            return False
        amounts = (paid.amount for paid in billing.paid_invoices)
        same = [amount.amount for amount in amounts if amount.currency == invoice.due.currency]
        usual = max([*same, int(billing.mrr.amount * max(self.months_billed, Decimal(1)))])
        return invoice.due.amount > UNUSUAL * usual > 0

    @property
    def conflict_text(self) -> str:
        return " ".join(self.conflicts)

    @property
    def others_open(self) -> int:
        return len(self.facts.other_open_invoices)

    @property
    def overdue_pile(self) -> bool:
        """More than this bill is unpaid, and that has been so for a while."""
        others = self.facts.other_open_invoices
        return len(others) >= 2 or any(other.attempt_count >= 3 for other in others)

    @property
    def mails_for_this(self) -> int:
        return sum(mail.invoice == self.facts.invoice.id for mail in self.facts.customer_mails)

    @property
    def most_mails(self) -> int:
        return self.playbook.contact.max_per_invoice

    @property
    def stripe_next(self) -> datetime | None:
        """Stripe's own next attempt, when its schedule is still on."""
        invoice = self.facts.invoice
        return invoice.next_payment_attempt if invoice.auto_advance else None

    @property
    def stripe_next_text(self) -> str:
        return moment(self.stripe_next) if self.stripe_next else "none"

    @property
    def is_due(self) -> bool:
        due = self.facts.invoice.due_date
        return due is None or due <= self.now


_CROSS = ("angry", "furious", "frustrat", "upset", "hostile", "irate", "annoyed", "livid")


def in_usd(money: Money, playbook: Playbook) -> Decimal | None:
    """Roughly, for thresholds only; None when the playbook has no rate for the currency."""
    rate = playbook.usd_per.get(money.currency, 1.0 if money.currency == "usd" else None)
    if rate is None:
        return None
    major = Decimal(money.amount) / Decimal(10) ** exponent(money.currency)
    return major * Decimal(str(rate))


def day(at: date | datetime | None) -> str:
    """`27 Jun`, as people say it."""
    return f"{at.day} {at:%b}" if at is not None else "an unknown day"


def moment(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def spoken(phrase: str) -> str:
    """Our phrase as people read it: `sent/made .. wire*` becomes `sent … wire…`."""
    words = (word.split("/")[0] for word in phrase.split())
    return " ".join(words).replace("..", "…").replace("*", "…")


def slot_for(slots: tuple[Slot, ...], *whys: str) -> Slot | None:
    """The first slot that was made for the first of these reasons that has one."""
    for why in whys:
        for slot in slots:
            if why in slot.why:
                return slot
    return None
