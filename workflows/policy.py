"""The rules that always win.

They run three times: before the agent (what is left open), after it (is its choice among that?),
and again when a timer fires or an approval arrives. Read `RULES` from top to bottom: that order is
the precedence. A rule forbids, delays or asks for approval; no rule ever permits, so one more rule
that fires never makes a verdict less cautious. `CHOICES`: what a careful clerk does with the rest.

Every rule has a sentence for people, with the numbers in it; `docs/rules.md` is made from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cached_property
from typing import Any

from workflows import declines, timing
from workflows.case import (
    Action,
    Blocked,
    DecidedBy,
    Ending,
    Options,
    Outcome,
    Permit,
    Proposal,
    Reason,
    Slot,
    Verdict,
)
from workflows.declines import Family
from workflows.facts import Facts
from workflows.playbook import Playbook
from workflows.reading import Topic
from workflows.situation import Situation, slot_for

RETRY, LINK, PERSON = Action.SCHEDULE_RETRY, Action.SEND_UPDATE_LINK, Action.ESCALATE_NOW

STRIPE_DECLINES = "https://docs.stripe.com/declines/codes"
SMART_RETRIES = "https://docs.stripe.com/billing/revenue-recovery/smart-retries"
MASTERCARD = "Mastercard merchant advice codes (everonet, Cybersource, Rapyd)"
VISA = "Visa Core Rules, category 1 (TabaPay, bill1st)"
NACHA = "Nacha Operating Rules, reinitiation: R01 and R09 only, twice"
OURS = "our caution"


class Group(IntEnum):
    """The order of precedence."""

    STOP = 1
    LEGAL_AND_SAFETY = 2
    UNVERIFIED_CLAIM = 3
    NEVER_RETRY = 4
    EARLIEST_TIME = 5
    APPROVAL = 6
    CONTACT = 7
    DEGRADED = 8


GRAVE = (Group.LEGAL_AND_SAFETY, Group.UNVERIFIED_CLAIM)

When = Callable[[Situation], bool]


@dataclass(frozen=True)
class Rule:
    """One row: when it fires, what it takes away, and why, in a sentence people can check."""

    code: str
    group: Group
    when: When
    because: str
    source: str
    forbids: tuple[Action, ...] = ()
    approves: tuple[Action, ...] = ()  # acts that a person must agree to first
    ends: Outcome | None = None
    delays: Action | None = None
    not_before: Callable[[Situation], datetime | None] = lambda _: None

    def sentence(self, situation: Situation) -> str:
        return self.because.format_map(_Words(situation))

    def reason(self, situation: Situation) -> Reason:
        return Reason(code=self.code, text=self.sentence(situation))


class _Words(dict[str, Any]):
    """Lets a sentence speak of anything a situation knows: `{amount}`, `{last4}`, `{expiry}`."""

    def __init__(self, situation: Situation) -> None:
        super().__init__()
        self.situation = situation

    def __missing__(self, name: str) -> object:
        return getattr(self.situation, name)


# ── group 1: the invoice needs us no more ───────────────────────────────────────────────

ENDINGS: tuple[Rule, ...] = (
    Rule(
        "STOP_TEST_MODE", Group.STOP, ends=Outcome.NOT_COLLECTIBLE,
        when=lambda s: s.facts.invoice.livemode != s.facts.live,
        because="The invoice belongs to the other mode (test or live), not to this installation.",
        source="https://docs.stripe.com/keys#test-live-modes",
    ),
    Rule(
        "STOP_ALREADY_PAID", Group.STOP, ends=Outcome.PAID_ELSEWHERE,
        when=lambda s: s.facts.invoice.status == "paid" or (
            s.facts.invoice.status == "open" and s.facts.invoice.remaining.amount <= 0),
        because="Stripe says that nothing is left to pay.",
        source="https://docs.stripe.com/invoicing/overview",
    ),
    Rule(
        "STOP_INVOICE_CLOSED", Group.STOP, ends=Outcome.NOT_COLLECTIBLE,
        when=lambda s: s.facts.invoice.status in ("void", "uncollectible", "deleted"),
        because="The invoice is {invoice_status}: nothing may be collected.",
        source="https://docs.stripe.com/invoicing/overview",
    ),
    Rule(
        "STOP_INVOICE_DRAFT", Group.STOP, ends=Outcome.NOT_COLLECTIBLE,
        when=lambda s: s.facts.invoice.status == "draft",
        because="The invoice is a draft again; Stripe will tell us when it is final.",
        source="https://docs.stripe.com/invoicing/overview",
    ),
    Rule(
        "STOP_INCOMPLETE_FIRST_INVOICE", Group.STOP, ends=Outcome.NOT_COLLECTIBLE,
        when=lambda s: s.subscription_status in ("incomplete", "incomplete_expired"),
        because=(
            "The subscription never started: its first payment is the customer's to "
            "finish within 23 hours."
        ),
        source="https://docs.stripe.com/billing/subscriptions/overview#payment-window",
    ),
    Rule(
        "STOP_SUBSCRIPTION_CANCELED", Group.STOP, ends=Outcome.SUBSCRIPTION_ENDED,
        when=lambda s: s.subscription_status == "canceled",
        because="The subscription has ended; {amount} stays open and is not collected by us.",
        source="https://docs.stripe.com/billing/subscriptions/cancel",
    ),
    Rule(
        "STOP_COLLECTION_PAUSED", Group.STOP, ends=Outcome.NOT_COLLECTIBLE,
        when=lambda s: s.collection_paused,
        because="Collection of this subscription is paused: nothing is to be charged or asked for.",
        source="https://docs.stripe.com/billing/subscriptions/pause-payment",
    ),
)  # fmt: skip


# An invoice that the playbook's owners left to Stripe. Judged with the rules, not with the endings:
# it needs the plan from billing, and the playbook.
FILTERS: tuple[Rule, ...] = (
    Rule(
        "STOP_FILTERED", Group.STOP, ends=Outcome.NOT_COLLECTIBLE,
        when=lambda s: s.filter_text is not None,
        because="{filter_text}",
        source="playbook.toml [filters]",
    ),
)  # fmt: skip


# ── groups 2 to 8 ───────────────────────────────────────────────────────────────────────

RULES: tuple[Rule, ...] = (
    # 2 · legal and safety
    Rule(
        "ESC_LEGAL_SENSITIVE", Group.LEGAL_AND_SAFETY, forbids=(RETRY, LINK),
        when=lambda s: s.says(Topic.INSOLVENCY, Topic.LEGAL, Topic.BEREAVEMENT) is not None,
        because="A sensitive matter, {legal_kind}: see {legal_source}.",
        source="11 U.S.C. § 362 (automatic stay); for the rest, decency",
    ),
    Rule(
        "ESC_OPEN_DISPUTE", Group.LEGAL_AND_SAFETY, forbids=(RETRY, LINK),
        when=lambda s: s.open_dispute is not None or s.code == "payment_disputed",
        because=(
            "A dispute with this customer is open ({dispute_status}); charging again "
            "would feed it."
        ),
        source="https://docs.stripe.com/disputes",
    ),
    Rule(
        "ESC_FRAUD_SIGNAL", Group.LEGAL_AND_SAFETY, forbids=(RETRY, LINK),
        when=lambda s: s.is_dangerous,
        because=(
            "The payment was stopped for a safety reason; a person reviews it before "
            "anyone is asked to pay."
        ),
        source=STRIPE_DECLINES,
    ),
    Rule(
        "ESC_AUTH_REVOKED", Group.LEGAL_AND_SAFETY, forbids=(RETRY, LINK),
        when=lambda s: s.is_revoked,
        because=(
            "The payer has withdrawn the permission to charge this {method_name}; a "
            "person asks what they want."
        ),
        source=SMART_RETRIES,
    ),
    Rule(
        "ESC_NETWORK_REVIEW", Group.LEGAL_AND_SAFETY, forbids=(RETRY, LINK),
        when=lambda s: s.advice is not None and s.advice.person,
        because="The card network asks for a review (advice {network_advice_code}).",
        source=MASTERCARD,
    ),
    Rule(
        "BLOCK_CONTACT_DNC", Group.LEGAL_AND_SAFETY, forbids=(LINK,),
        when=lambda s: s.do_not_contact,
        because="The CRM says that this customer must not be contacted.",
        source=OURS,
    ),
    # 3 · claims that nobody has checked
    Rule(
        "ESC_PAYMENT_CLAIM_UNVERIFIED", Group.UNVERIFIED_CLAIM, forbids=(RETRY, LINK),
        when=lambda s: s.says(Topic.PAID, Topic.CREDIT) is not None,
        because=(
            "A payment or credit that Stripe does not show is spoken of in "
            "{claim_source}; check it first."
        ),
        source=OURS,
    ),
    Rule(
        "ESC_BILLING_DISPUTED", Group.UNVERIFIED_CLAIM, forbids=(RETRY, LINK),
        when=lambda s: s.says(Topic.DISPUTED) is not None,
        because="The bill or charge is objected to in {disputed_source}; answer that first.",
        source=OURS,
    ),
    Rule(
        "ESC_BILLING_SAYS_PAID", Group.UNVERIFIED_CLAIM, forbids=(RETRY, LINK),
        when=lambda s: s.billing_says_paid,
        because=(
            "Our billing data lists this invoice as paid while Stripe has it open; "
            "check it first."
        ),
        source=OURS,
    ),
    # 4 · never again on this card
    Rule(
        "NORETRY_NOT_OPEN", Group.NEVER_RETRY, forbids=(RETRY, LINK),
        when=lambda s: s.facts.invoice.status != "open",
        because="The invoice's status is {invoice_status}, which we do not know how to collect.",
        source="https://docs.stripe.com/invoicing/overview",
    ),
    Rule(
        "NORETRY_PROCESSING", Group.NEVER_RETRY, forbids=(RETRY, LINK),
        when=lambda s: s.facts.invoice.payment_intent_status == "processing",
        because="A payment is under way at the bank; it settles or fails by itself.",
        source="https://docs.stripe.com/payments/ach-direct-debit",
    ),
    Rule(
        "NORETRY_NO_PAYMENT_METHOD", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.nothing_to_charge,
        because="There is nothing on file that may be charged for this invoice.",
        source=SMART_RETRIES,
    ),
    Rule(
        "NORETRY_BLOCKED", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.blocked and not s.card_changed and not s.row_allows_once,
        because="Stripe did not put the charge to the bank at all; repeating it changes nothing.",
        source="https://support.stripe.com/questions/payment-blocked-due-to-excessive-retries",
    ),
    Rule(
        "NORETRY_ADVICE_CODE", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.advice_code in declines.FINAL_ADVICE and not s.card_changed,
        because="The bank's advice for this card is {advice_words}.",
        source="https://docs.stripe.com/declines/card",
    ),
    Rule(
        "NORETRY_NETWORK_ADVICE", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.advice is not None and not s.advice.again and not s.card_changed,
        because="Mastercard advice {network_advice_code}: {advice_meaning}.",
        source=MASTERCARD,
    ),
    Rule(
        "NORETRY_VISA_CATEGORY", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.visa_code in declines.VISA_NEVER and not s.card_changed,
        because="Visa counts this answer as one the bank will never approve on this card.",
        source=VISA,
    ),
    Rule(
        "NORETRY_AUTH_REQUIRED", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.needs_cardholder,
        because=(
            "The bank wants the cardholder to confirm this payment (authentication, 3-D "
            "Secure); only they can."
        ),
        source=SMART_RETRIES,
    ),
    Rule(
        "NORETRY_EXPIRED_UNCHANGED", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.card_expired or (s.code in declines.EXPIRED_CODES and not s.card_changed),
        because="The card ending {last4} is past its date ({expiry}) and has not been replaced.",
        source=STRIPE_DECLINES,
    ),
    Rule(
        "NORETRY_HARD_DECLINE", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.is_hard and not s.card_changed,
        because="The bank's answer is final for this {method_name}: another one is needed.",
        source=STRIPE_DECLINES,
    ),
    Rule(
        "NORETRY_RATE_LIMITED", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.code == "card_decline_rate_limit_exceeded" and not s.card_changed,
        because="This card was declined too often; Stripe refuses to ask again for a while.",
        source="https://docs.stripe.com/testing",
    ),
    Rule(
        "NORETRY_DUPLICATE", Group.NEVER_RETRY, forbids=(RETRY, LINK),
        when=lambda s: "duplicate_transaction" in s.code,
        because=(
            "The bank sees the same charge twice: the money may already be taken. Check "
            "before asking."
        ),
        source=STRIPE_DECLINES,
    ),
    Rule(
        "NORETRY_OUR_SIDE", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.family is Family.CONFIG and not s.card_changed,
        because=(
            "The decline ({code}) points at our side or at the amount; repeating it "
            "does not help."
        ),
        source=STRIPE_DECLINES,
    ),
    Rule(
        "NORETRY_INDIA_CARD", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.is_indian_card,
        because=(
            "The card was issued in India, where a renewal needs the cardholder's "
            "mandate; Stripe never retries it."
        ),
        source=SMART_RETRIES,
    ),
    Rule(
        "NORETRY_BANK_DEBIT_RETURN", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.is_debit and s.family is not Family.FUNDS and not s.card_changed,
        because=(
            "The bank returned the debit ({code}), and not for a passing reason; a new "
            "mandate is needed."
        ),
        source=NACHA,
    ),
    Rule(
        "NORETRY_BANK_REINIT_CAP", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.is_debit and s.representments_left <= 0 and not s.card_changed,
        because="The debit was presented {attempts} times, which is as often as it may be.",
        source=NACHA,
    ),
    Rule(
        "NORETRY_CODE_CAP", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.retries_spent and s.is_soft and not s.card_changed,
        because="The bank said the same {attempts} times; for this answer that is enough.",
        source="playbook/declines.csv",
    ),
    Rule(
        "NORETRY_ATTEMPT_CAP", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.attempts >= s.most_attempts,
        because="Banks were asked {attempts} times for this invoice; the most is {most_attempts}.",
        source="https://docs.stripe.com/declines/card (at most 8)",
    ),
    Rule(
        "NORETRY_OUR_CAP", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.our_attempts >= s.playbook.retries.max_our_attempts,
        because="We have charged {our_attempts} times ourselves; a person or a new card is needed.",
        source="playbook.toml [retries]",
    ),
    Rule(
        "NORETRY_CARD_CAP", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.card_attempts >= s.most_on_card,
        because=(
            "This card was asked {card_attempts} times in 30 days over all invoices; "
            "the most is {most_on_card}."
        ),
        source="Visa: 15 in 30 days (Stripe support), 20 since April 2026; we stay below",
    ),
    Rule(
        "NORETRY_STRIPE_HAS_NO_PLAN", Group.NEVER_RETRY, forbids=(RETRY,),
        when=lambda s: s.stripe_owns and s.facts.invoice.next_payment_attempt is None,
        because="Stripe does the retries here, and plans no further one.",
        source="playbook.toml [retries] owner",
    ),
    # 5 · not before
    Rule(
        "CLAMP_NETWORK_WAIT", Group.EARLIEST_TIME, delays=RETRY,
        not_before=lambda s: s.network_ready,
        when=lambda s: s.network_wait is not None and not s.stripe_owns,
        because="Mastercard advice {network_advice_code}: {advice_meaning}.",
        source=MASTERCARD,
    ),
    Rule(
        "CLAMP_MIN_GAP", Group.EARLIEST_TIME, delays=RETRY,
        not_before=lambda s: s.waits_from + s.gap,
        when=lambda s: not s.stripe_owns,
        because="Two questions to one bank lie {gap_hours} h apart at least.",
        source="playbook.toml [retries]; Stripe support: 2-3 days for one transaction",
    ),
    Rule(
        "CLAMP_CARD_DAY", Group.EARLIEST_TIME, delays=RETRY,
        not_before=lambda s: s.card_ready,
        when=lambda s: s.last_on_this_card is not None and not s.stripe_owns,
        because="One card is asked once a day at most, over all of the customer's invoices.",
        source=OURS,
    ),
    Rule(
        "CLAMP_BANK_DAY", Group.EARLIEST_TIME, delays=RETRY,
        not_before=lambda s: s.debit_ready,
        when=lambda s: s.is_debit and not s.stripe_owns,
        because=(
            "A debit moves on bank days only, and no sooner than {debit_gap_days} of "
            "them after a return."
        ),
        source="Federal Reserve, TARGET and UK bank holidays",
    ),
    Rule(
        "CLAMP_STRIPE_SCHEDULE_CONFLICT", Group.EARLIEST_TIME, delays=RETRY,
        not_before=lambda s: s.after_stripe,
        when=lambda s: s.stripe_next is not None and not s.stripe_owns,
        because=(
            "Stripe's own retry is planned for {stripe_next_text}: it is switched off "
            "for this invoice, and we stay clear of it."
        ),
        source="https://docs.stripe.com/invoicing/integration/automatic-advancement-collection",
    ),
    Rule(
        "CLAMP_PROMISED_DAY", Group.EARLIEST_TIME, delays=RETRY,
        not_before=lambda s: s.promise_ready,
        when=lambda s: s.promised is not None and not s.stripe_owns,
        because="The customer named {promised_day}; asking sooner would only fail again.",
        source=OURS,
    ),
    Rule(
        "CLAMP_STRIPE_OWNS", Group.EARLIEST_TIME, delays=RETRY,
        not_before=lambda s: s.facts.invoice.next_payment_attempt,
        when=lambda s: s.stripe_owns and s.facts.invoice.next_payment_attempt is not None,
        because="Stripe does the retries here; we wait for its own next one.",
        source="playbook.toml [retries] owner",
    ),
    # 6 · a person must agree
    Rule(
        "APPR_AMOUNT", Group.APPROVAL, approves=(RETRY,),
        when=lambda s: s.is_large,
        because="{amount} {reaches_the_approval_limit}.",
        source="playbook.toml [approval]",
    ),
    Rule(
        "APPR_VIP_CONTACT", Group.APPROVAL, approves=(LINK,),
        when=lambda s: s.is_named_account,
        because="Mails to VIP and {tier_word} customers go out only when a person agrees.",
        source="playbook.toml [approval]",
    ),
    Rule(
        "APPR_VALUE_UNKNOWN", Group.APPROVAL, approves=(LINK,),
        when=lambda s: s.value_may_be_high or (s.facts.billing is None and s.is_high_value),
        because="What this account is worth could not be read, so it counts as important.",
        source=OURS,
    ),
    Rule(
        "APPR_RENEWAL_OPEN", Group.APPROVAL, approves=(RETRY, LINK),
        when=lambda s: s.open_renewal is not None,
        because="A renewal or expansion is open and due {renewal_day}.",
        source="playbook.toml [approval]",
    ),
    Rule(
        "APPR_DATA_CONFLICT", Group.APPROVAL, approves=(RETRY, LINK),
        when=lambda s: bool(s.conflicts),
        because="{conflict_text}",
        source=OURS,
    ),
    Rule(
        "APPR_INJECTION_SUSPECTED", Group.APPROVAL, approves=(RETRY, LINK),
        when=lambda s: s.says(Topic.INJECTION, Topic.REDIRECT) is not None,
        because=(
            "Words in {attack_source} try to steer whoever reads them; nobody followed "
            "them, a person should look."
        ),
        source="text that we did not write is data, never an instruction",
    ),
    # 7 · writing to the customer
    Rule(
        "BLOCK_CONTACT_NO_ADDRESS", Group.CONTACT, forbids=(LINK,),
        when=lambda s: not s.facts.customer.email,
        because="Stripe has no e-mail address for this customer.",
        source=OURS,
    ),
    Rule(
        "CONTACT_FREQ_CAP", Group.CONTACT, forbids=(LINK,),
        when=lambda s: s.mails_for_this >= s.most_mails,
        because="The customer had {mails_for_this} mails about this invoice; that is the most.",
        source="playbook.toml [contact]",
    ),
    Rule(
        "CONTACT_MIN_GAP", Group.CONTACT, delays=LINK,
        not_before=lambda s: s.after_last_mail,
        when=lambda s: s.after_last_mail is not None,
        because=(
            "The customer had a mail from us less than {mail_gap_days} days ago, on "
            "this invoice or another."
        ),
        source="playbook.toml [contact]",
    ),
    Rule(
        "DEFER_QUIET_HOURS", Group.CONTACT, delays=LINK,
        not_before=lambda s: s.contact_at,
        when=lambda s: s.contact_at > s.now,
        because="Customers are written to between {office_hours} on their own business days.",
        source="playbook.toml [contact]; public holidays of the customer's country",
    ),
    # 8 · what we could not see
    Rule(
        "DEGRADED_NO_BILLING", Group.DEGRADED,
        when=lambda s: s.facts.billing is None,
        because="Plan and billing history {billing_gap}.",
        source=OURS,
    ),
    Rule(
        "DEGRADED_NO_CRM", Group.DEGRADED,
        when=lambda s: s.facts.crm is None,
        because="The account's CRM record {crm_gap}.",
        source=OURS,
    ),
)  # fmt: skip

GROUP_OF = {rule.code: rule.group for rule in (*ENDINGS, *FILTERS, *RULES)}


# ── what a careful clerk does with what is left ─────────────────────────────────────────


@dataclass(frozen=True)
class Choice:
    """The first row that fits and is still allowed is what we do when no model decides."""

    code: str
    action: Action
    when: When
    because: str
    slots: tuple[str, ...] = ()  # kinds of slot, best first
    without_retry: bool = False  # fits only when no retry is allowed
    no_model: tuple[Action, ...] = ()  # which no model may make of it

    def reason(self, situation: Situation) -> Reason:
        return Reason(code=self.code, text=self.because.format_map(_Words(situation)))


LATER_SLOTS = (
    "promised_day", "earlier_success", "after_three_days", "bank_day_morning", "soonest",
)  # fmt: skip
MONEY_DAYS = ("promised_day", "earlier_success", "payday")
FUNDS_SLOTS = (*MONEY_DAYS, *LATER_SLOTS)
SOON_SLOTS = ("soonest", "bank_day_morning")
PASSING = (Family.REFUSED, Family.LIMIT, Family.UNKNOWN)  # soft, but not about money in the account

CHOICES: tuple[Choice, ...] = (
    Choice(
        "PREFER_PERSON_ATTACK", PERSON,
        when=lambda s: s.says(Topic.INJECTION, Topic.REDIRECT) is not None and not s.is_small,
        because="Somebody tries to steer this case by text; a person checks by a known channel.",
    ),
    Choice(
        "PREFER_PERSON_CONFLICT", PERSON,
        when=lambda s: bool(s.conflicts),
        because="Sources contradict each other, and a person can ask.",
    ),
    Choice(
        "PREFER_PERSON_RENEWAL", PERSON,
        when=lambda s: s.open_renewal is not None and not s.is_small,
        because=(
            "The renewal or expansion due {renewal_day} matters more than this bill; its "
            "owner should speak first."
        ),
    ),
    Choice(
        "PREFER_PERSON_UPSET", PERSON, no_model=(RETRY, LINK),
        when=lambda s: s.is_upset and not s.is_small,
        because="The complaint in {mood_source} should be answered before money is spoken of.",
    ),
    Choice(
        "PREFER_PERSON_UPSET", PERSON, without_retry=True,
        when=lambda s: s.is_upset,
        because=(
            "The complaint in {mood_source} should be answered before a mail about "
            "money arrives."
        ),
    ),
    Choice(
        "PREFER_PERSON_MEETING", PERSON,
        when=lambda s: s.meeting is not None and not s.is_small,
        because="A meeting with the customer is arranged{meeting_day}: the better place for this.",
    ),
    Choice(
        "PREFER_PERSON_LEAVING", PERSON, no_model=(RETRY,),
        when=lambda s: s.says(Topic.CHURN, Topic.CANCEL) is not None
        and (not s.is_small or bool(s.conflicts)),
        because="The customer may leave: see {churn_source}.",
    ),
    Choice(
        "PREFER_PERSON_INVOICED", PERSON,
        when=lambda s: s.is_invoiced and (not s.is_small or s.says(Topic.PROCESS) is not None),
        because=(
            "This customer pays by invoice: a number, a form or an approver is missing "
            "more often than money."
        ),
    ),
    Choice(
        "PREFER_PERSON_PROCESS", PERSON, without_retry=True,
        when=lambda s: s.says(Topic.PROCESS) is not None and (s.is_high_value or s.is_large),
        because=(
            "How this customer pays bills stands in {process_source}; a person clears "
            "that fastest."
        ),
    ),
    Choice(
        "PREFER_PERSON_LARGE", PERSON,
        when=lambda s: s.is_large and s.amount_usd is not None and s.family is not Family.TECHNICAL,
        because=(
            "{amount} is too much for a machine to try again: banks often stop large "
            "charges until told."
        ),
    ),
    Choice(
        "PREFER_PERSON_MANY_OPEN", PERSON,
        when=lambda s: s.overdue_pile and not s.is_small,
        because=(
            "{others_open} more invoices of this customer are unpaid; one talk about "
            "all of them is better."
        ),
    ),
    Choice(
        "PREFER_PERSON_UNREAD", PERSON,
        when=lambda s: s.unread_words and not s.is_small,
        because="The customer wrote to us lately, and no one who can read has read it.",
    ),
    Choice(
        "PREFER_PERSON_OUR_SIDE", PERSON, without_retry=True,
        when=lambda s: s.family is Family.CONFIG,
        because="The decline points at our side, so the customer should not be asked to mend it.",
    ),
    Choice(
        "PREFER_PERSON_VALUE", PERSON, without_retry=True,
        when=lambda s: s.is_high_value or (s.low_health and not s.is_small),
        because="No retry can help, and this account deserves a personal word.",
    ),
    Choice(
        "PREFER_PERSON_UNANSWERED", PERSON,
        when=lambda s: s.mails_for_this >= 2 and not s.is_small,
        because="{mails_for_this} mails about this invoice went unanswered.",
    ),
    Choice(
        "PREFER_RETRY_RENEWED_CARD", RETRY,
        when=lambda s: s.renewed_by_network,
        because="The card network has renewed the card; nobody waits, so the usual gap is kept.",
        slots=("promised_day", "soonest", "bank_day_morning"),
    ),
    Choice(
        "PREFER_RETRY_NEW_CARD", RETRY,
        when=lambda s: s.card_changed,
        because="What would be charged has been replaced since the failure.",
        slots=("promised_day", "new_card", "soonest"),
    ),
    Choice(
        "PREFER_LINK_PILE", LINK,
        when=lambda s: s.overdue_pile,
        because="{others_open} more invoices are unpaid: another retry is not what is missing.",
    ),
    Choice(
        "PREFER_RETRY_TECHNICAL", RETRY,
        when=lambda s: s.family is Family.TECHNICAL and not s.is_debit,
        because="A technical fault at the bank passes within hours.",
        slots=SOON_SLOTS,
    ),
    Choice(
        "PREFER_RETRY_FUNDS", RETRY,
        when=lambda s: s.family is Family.FUNDS and (s.attempts < 3 or s.recovers_by_retry),
        because="Money is likely to be there after payday, or when it was there before.",
        slots=FUNDS_SLOTS,
    ),
    Choice(
        "PREFER_RETRY_LATER", RETRY,
        when=lambda s: s.family in PASSING and s.attempts < 3,
        because="The bank gave a passing answer; asked again after some days it may agree.",
        slots=LATER_SLOTS,
    ),
    Choice(
        "PREFER_PERSON_WORN_OUT", PERSON,
        when=lambda s: s.is_high_value or (s.low_health and not s.is_small),
        because="After {attempts} attempts this account deserves a personal word.",
    ),
    Choice(
        "PREFER_LINK", LINK,
        when=lambda s: True,
        because="The customer can settle this alone, in a minute, with a link.",
    ),
    Choice(
        "PREFER_PERSON", PERSON,
        when=lambda s: True,
        because="Nothing that a machine may do is left.",
    ),
)  # fmt: skip


# ── reading the tables ──────────────────────────────────────────────────────────────────


class Weighing:
    """One situation held against the tables above."""

    def __init__(self, facts: Facts, playbook: Playbook, *, deciding: bool = True) -> None:
        self.situation = Situation(facts, playbook, deciding)
        self.facts, self.playbook = facts, playbook

    @cached_property
    def fired(self) -> tuple[Rule, ...]:
        """Every rule that applies, but delays of what is forbidden anyway."""
        fired = tuple(rule for rule in RULES if rule.when(self.situation))
        out = {action for rule in fired for action in rule.forbids}
        return tuple(rule for rule in fired if rule.delays not in out)

    def without(self, *codes: str) -> "Weighing":
        """The same, but for these rules."""
        other = Weighing(self.facts, self.playbook)
        other.situation = self.situation
        other.__dict__["fired"] = tuple(rule for rule in self.fired if rule.code not in codes)
        return other

    def forbidding(self, action: Action) -> Rule | None:
        return next((rule for rule in self.fired if action in rule.forbids), None)

    @cached_property
    def earliest(self) -> datetime:
        """The latest of all delays: when a retry may be made at the soonest."""
        return self._latest_delay(self.situation)

    def _latest_delay(self, situation: Situation) -> datetime:
        times = [rule.not_before(situation) for rule in self.fired if rule.delays is RETRY]
        return max((at for at in times if at is not None), default=self.facts.now)

    def still_good(self, slot: Slot) -> bool:
        """Is this slot ahead, and late enough by the clock that a wake-up goes by?"""
        if slot.at < self.facts.now:
            return False
        return "new_card" in slot.why or slot.at >= self._latest_delay(self.situation.awake)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        if self.forbidding(RETRY) is not None:
            return ()
        if self.situation.stripe_owns:
            return self._stripes_own_slot()
        situation, earliest = self.situation, max(self.earliest, self.facts.now)
        return timing.retry_slots(
            self.facts,
            self.playbook,
            earliest,
            situation.useful_until(earliest),
            new_card_at=situation.new_card_at,
            network_wait=situation.network_wait is not None,
            promised=situation.promised.on if situation.promised else None,
        )

    def _stripes_own_slot(self) -> tuple[Slot, ...]:
        at = self.facts.invoice.next_payment_attempt
        if at is None:
            return ()
        at = max(at, self.facts.now)
        label = timing.label(at, self.facts, self.playbook)
        return (Slot(slot_id="S1", at=at, label=label, why=("stripe_schedule",)),)

    @cached_property
    def allowed(self) -> tuple[Action, ...]:
        """Handing over is always allowed."""
        open_acts = [a for a in (RETRY, LINK) if self.forbidding(a) is None]
        return tuple(a for a in (*open_acts, PERSON) if a is not RETRY or self.slots)

    @cached_property
    def forced(self) -> bool:
        """Groups 2 and 3 put the case into a person's hands; no model takes it back."""
        return self.choice[0].action is PERSON and any(
            rule.group in GRAVE and rule.forbids for rule in self.fired
        )

    @property
    def kept_from_models(self) -> frozenset[Action]:
        """Where the rule table lets a person speak first."""
        if self.choice[0].action is not PERSON:
            return frozenset()
        fitting = (choice for choice in CHOICES if choice.no_model and self._fits(choice))
        return frozenset(action for choice in fitting for action in choice.no_model)

    @cached_property
    def choice(self) -> tuple[Choice, Slot | None]:
        choice = next(choice for choice in CHOICES if self._fits(choice))
        if choice.action is not RETRY:
            return choice, None
        return choice, self._slot_of(choice)

    def _fits(self, choice: Choice) -> bool:
        if choice.action not in self.allowed or (choice.without_retry and RETRY in self.allowed):
            return False
        return choice.when(self.situation)

    @cached_property
    def own_slot(self) -> Slot | None:
        """When the rule table would charge, also where it would rather do something else."""
        choice, slot = self.choice
        retries = (c for c in CHOICES if c.action is RETRY and self._fits(c))
        other = next(retries, None)
        return slot or (self._slot_of(other or choice) if self.slots else None)

    def _slot_of(self, choice: Choice) -> Slot:
        wanted = choice.slots or LATER_SLOTS
        return slot_for(self._soon, *wanted) or slot_for(self.slots, *wanted) or self.slots[0]

    @property
    def _soon(self) -> tuple[Slot, ...]:
        near = timedelta(days=PAYDAY_WITHIN_DAYS)
        return tuple(slot for slot in self.slots if slot.at - self.facts.now <= near)

    @cached_property
    def money_day(self) -> Slot | None:
        """When money is likely to be there, if that is what was missing."""
        if self.situation.family is not Family.FUNDS or self.situation.card_changed:
            return None
        return slot_for(self._soon, *MONEY_DAYS)

    @cached_property
    def blocked(self) -> tuple[Blocked, ...]:
        rows = [
            Blocked(action=action, code=rule.code, text=rule.sentence(self.situation))
            for rule in self.fired
            for action in rule.forbids
        ]
        if self.forbidding(RETRY) is None and not self.slots:
            rows.append(Blocked(action=RETRY, code="CLAMP_HORIZON", text=NO_TIME_LEFT))
        return tuple(rows)

    def approval_for(self, action: Action) -> tuple[Reason, ...]:
        return tuple(r.reason(self.situation) for r in self.fired if action in r.approves)

    def reasons_for(self, action: Action | None, choice: Choice | None) -> tuple[Reason, ...]:
        """The sentences of a verdict. Delays of other acts are left out; None keeps all of them.

        People read the first ones: what is grave, then why a person is asked, then the rest.
        """
        said = [r for r in self.fired if action is None or r.delays in (None, action)]
        grave = [rule.reason(self.situation) for rule in said if rule.group in GRAVE]
        rest = [rule.reason(self.situation) for rule in said if rule.group not in GRAVE]
        own = [] if choice is None or self.forced else [choice.reason(self.situation)]
        first = choice is not None and choice.action is PERSON
        return (*grave, *(own if first else ()), *rest, *(() if first else own))


NO_TIME_LEFT = "No permitted time is left before the retry window ends."
MODEL_LINGERS_DAYS = 3  # so much later than the rule table may a model charge
PAYDAY_WITHIN_DAYS = 8  # farther off, waiting for it costs more than it wins


# ── the questions the rest of the program asks ──────────────────────────────────────────


def ending(facts: Facts) -> Ending | None:
    """Does the invoice need us no more? Needs the Stripe part of the facts only."""
    situation = Situation(facts, Playbook())
    for rule in ENDINGS:
        if rule.ends is not None and rule.when(situation):
            return Ending(outcome=rule.ends, code=rule.code, text=rule.sentence(situation))
    return None


def filtered(situation: Situation) -> Reason | None:
    """Is this an invoice that the playbook leaves to Stripe, and why?"""
    return next((rule.reason(situation) for rule in FILTERS if rule.when(situation)), None)


def narrow(facts: Facts, playbook: Playbook) -> Options:
    """What the rules leave open, and what the rule table would do itself."""
    weighing = Weighing(facts, playbook)
    if (left := filtered(weighing.situation)) is not None:
        return Options(
            allowed=(Action.STOP,),
            slots=(),
            default=Action.STOP,
            default_slot=None,
            reasons=(left,),
            blocked=_left_to_stripe(left),
        )
    choice, slot = weighing.choice
    acts = set(weighing.allowed)
    return Options(
        allowed=weighing.allowed,
        slots=weighing.slots,
        default=choice.action,
        default_slot=slot.slot_id if slot else None,
        approval=tuple(
            rule.reason(weighing.situation) for rule in weighing.fired if acts & set(rule.approves)
        ),
        reasons=weighing.reasons_for(None, choice),
        blocked=weighing.blocked,
    )


def clamp(facts: Facts, options: Options, proposal: Proposal | None, playbook: Playbook) -> Verdict:
    """The proposal, if the rules allow it; else the rule table's own choice, and the refusal."""
    weighing = Weighing(facts, playbook)
    if (left := filtered(weighing.situation)) is not None:
        return Verdict(action=Action.STOP, reasons=(left,), blocked=_left_to_stripe(left))
    refused = _refusal(weighing, options, proposal)
    taken = proposal if refused is None else None
    action = taken.action if taken else weighing.choice[0].action
    at = weighing.situation.contact_at if action is LINK else None
    if action is RETRY:
        at = _slot(weighing, options, taken).at
    doubts = _doubts(weighing, proposal, taken)
    person = taken is not None and taken.by is DecidedBy.PERSON
    choice: Choice | None = weighing.choice[0]
    if taken and not (taken.action is weighing.choice[0].action is PERSON):
        choice = None  # the rule table's sentence speaks of its own day, or of something else
    moved = _better_time(weighing, options, taken)
    return Verdict(
        action=action,
        at=at,
        approval=() if person else (*weighing.approval_for(action), *doubts),
        reasons=(
            *weighing.reasons_for(action, choice),
            *((moved[1],) if moved else ()),
            *doubts,
        ),
        blocked=((refused,) if refused else ()) + weighing.blocked,
        decided_by=_decided_by(weighing, proposal, taken),
    )


def policy(facts: Facts, proposal: Proposal | None, playbook: Playbook) -> Verdict:
    """All rules in one go: an ended invoice is left alone, else narrow and clamp."""
    ended = ending(facts)
    if ended is not None:
        reason = Reason(code=ended.code, text=ended.text)
        return Verdict(action=Action.STOP, reasons=(reason,), decided_by=DecidedBy.POLICY)
    return clamp(facts, narrow(facts, playbook), proposal, playbook)


def permits(facts: Facts, action: Action, playbook: Playbook) -> Permit:
    """May it be done now? Asked on a fresh read, right before the act."""
    ended = ending(facts)
    if ended is not None:
        if action is Action.STOP:
            return Permit(ok=True)
        return Permit(ok=False, reason=Reason(code=ended.code, text=ended.text))
    weighing = Weighing(facts, playbook, deciding=False)
    left = filtered(weighing.situation)
    if left is not None and action in (RETRY, LINK):
        return Permit(ok=False, reason=left)
    if (rule := weighing.forbidding(action)) is not None:
        return Permit(ok=False, reason=rule.reason(weighing.situation))
    if action is RETRY and weighing.situation.card_changed and not weighing.situation.is_debit:
        weighing = weighing.without("CLAMP_NETWORK_WAIT", "CLAMP_MIN_GAP")  # the old card's gaps
    delays = [
        (at, rule)
        for rule in weighing.fired
        if rule.delays is action and (at := rule.not_before(weighing.situation)) is not None
    ]
    at, rule = max(delays, key=lambda delay: delay[0], default=(facts.now, None))
    if rule is None or at <= facts.now:
        return Permit(ok=True)
    return Permit(ok=False, not_before=at, reason=rule.reason(weighing.situation))


def _left_to_stripe(reason: Reason) -> tuple[Blocked, ...]:
    return tuple(
        Blocked(action=action, code=reason.code, text=reason.text)
        for action in (RETRY, LINK, PERSON)
    )


def _refusal(weighing: Weighing, options: Options, proposal: Proposal | None) -> Blocked | None:
    """Why the proposal may not be done, or None."""
    if proposal is None:
        return None
    action = proposal.action
    if action in weighing.allowed and action in options.allowed:
        if weighing.forced and action is not PERSON and proposal.by is not DecidedBy.PERSON:
            text = "A person must look at this case; a model may not decide otherwise."
            return Blocked(action=action, code="ONLY_A_PERSON", text=text)
        if action in weighing.kept_from_models and proposal.by is DecidedBy.MODEL:
            text = "A person should speak first here; a model may not do this instead."
            return Blocked(action=action, code="ONLY_A_PERSON", text=text)
        return None
    listed = (*weighing.blocked, *options.blocked)
    if (known := next((row for row in listed if row.action is action), None)) is not None:
        return known
    return Blocked(action=action, code="NOT_OFFERED", text="Only the rules may choose this.")


def _slot(weighing: Weighing, options: Options, proposal: Proposal | None) -> Slot:
    """The slot that was named, while it is still ahead and legal; else the rule table's own."""
    named = options.slot(proposal.slot_id if proposal else options.default_slot)
    if named is None or not weighing.still_good(named):
        return weighing.choice[1] or weighing.slots[0]
    better = _better_time(weighing, options, proposal)
    return better[0] if better else named


def _better_time(
    weighing: Weighing, options: Options, proposal: Proposal | None
) -> tuple[Slot, Reason] | None:
    """A model may not ask before the money is there, nor let the invoice lie for weeks."""
    if proposal is None or proposal.action is not RETRY or proposal.by is not DecidedBy.MODEL:
        return None
    named, day, own = options.slot(proposal.slot_id), weighing.money_day, weighing.own_slot
    if named and day and named.at < day.at:
        text = "The model named an earlier time; money is likelier to be there later."
        return day, Reason(code="CLAMP_MONEY_DAY", text=text)
    if named and own and named.at > own.at + timedelta(days=MODEL_LINGERS_DAYS):
        text = f"The model would wait over {MODEL_LINGERS_DAYS} days longer than the rule table."
        return own, Reason(code="CLAMP_LINGERING", text=text)
    return None


def _doubts(
    weighing: Weighing, proposal: Proposal | None, taken: Proposal | None
) -> tuple[Reason, ...]:
    """What the model itself makes us doubt. It may ask for a person; it can never send one away."""
    if proposal is None or proposal.by is not DecidedBy.MODEL:
        return ()
    found = []
    default = weighing.choice[0].action
    if proposal.confidence == "low":
        text = "The model is not sure of its choice."
        found.append(Reason(code="APPR_LOW_CONFIDENCE", text=text))
    elif taken and weighing.situation.is_high_value and taken.action is not default:
        text = "On an important account the model and the rule table differ."
        found.append(Reason(code="APPR_LOW_CONFIDENCE", text=text))
    if proposal.needs_human:
        text = proposal.human_question or "The model asks for a person."
        found.append(Reason(code="APPR_MODEL_ASKS", text=text))
    if proposal.suspicious:
        text = "The model found text that tries to steer it."
        found.append(Reason(code="APPR_INJECTION_SUSPECTED", text=text))
    return tuple(found)


def _decided_by(weighing: Weighing, proposal: Proposal | None, taken: Proposal | None) -> DecidedBy:
    alone = len(weighing.allowed) == 1 or weighing.forced
    if taken is not None and not (alone and taken.by is DecidedBy.MODEL):
        return taken.by
    if alone or proposal is not None:
        return DecidedBy.POLICY
    return DecidedBy.FALLBACK
