"""What one handoff is about: the case, its reader's part in it, and why a person is needed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from activities import words
from activities.customer_letter import company_name, first_name
from activities.handoff_words import (
    ADVICE_DETAILS,
    CAUSE_OF,
    CAUSE_OF_TOPIC,
    CODE_DETAILS,
    MASTERCARD_DETAILS,
    NO_DRAFT,
    STOPPED,
    TOPICS_OF,
    UNSAFE,
    Cause,
)
from activities.words import Family
from workflows import reading
from workflows.case import Action, Options, Verdict
from workflows.facts import Facts
from workflows.playbook import Playbook
from workflows.reading import Signal, Topic
from workflows.steps import LetterKind


class Mode(StrEnum):
    """What the reader is asked for."""

    APPROVE = "approve"
    ACT = "act"
    KNOW = "know"


@dataclass
class Case:
    """One case, with what the sentences of its handoff need to know of it."""

    facts: Facts
    verdict: Verdict
    options: Options
    playbook: Playbook
    mode: Mode
    tz: ZoneInfo
    deadline: datetime
    expires_at: datetime | None

    @property
    def company(self) -> str:
        return company_name(self.facts, self.playbook)

    @property
    def who(self) -> str:
        name = first_name(self.facts)
        return f"{name} at {self.company}" if name else self.company

    @property
    def amount(self) -> str:
        return words.money(self.facts.invoice.remaining)

    @property
    def family(self) -> Family:
        """Why it failed, as far as words go. A network may say what the bank's code does not."""
        found = words.family(self.facts, self.playbook)
        said_stop = "ESC_AUTH_REVOKED" in self.codes and found is not Family.UNNAMED
        return Family.REVOKED if said_stop else found

    @property
    def brief(self) -> str:
        """The reason in two or three words, for a subject line."""
        return self._details[0] if self._details else words.in_brief(self.facts, self.playbook)

    @property
    def explained(self) -> str:
        """The reason in a clause."""
        return self._details[1] if self._details else words.explained(self.facts, self.playbook)

    @property
    def _details(self) -> tuple[str, str] | None:
        """What is more exact than the words of a whole family of reasons."""
        failure, method = self.facts.failure, self.facts.payment_method
        if self.family is Family.REVOKED:
            return words.IN_BRIEF[Family.REVOKED], words.EXPLAINED[Family.REVOKED]
        if failure is None or self.family is Family.INVOICE:
            return None
        if failure.outcome_type == "blocked":
            return STOPPED
        if self.family is Family.UNNAMED:
            return UNSAFE if self.cause is Cause.UNSAFE else None
        network = MASTERCARD_DETAILS if method and method.brand == "mastercard" else {}
        return (
            ADVICE_DETAILS.get(failure.advice_code or "")
            or network.get(failure.network_advice_code or "")
            or CODE_DETAILS.get(words.decline_code(self.facts) or "")
        )

    @property
    def codes(self) -> frozenset[str]:
        spoken = (*self.verdict.reasons, *self.verdict.approval)
        return frozenset({r.code for r in spoken} | {b.code for b in self.verdict.blocked})

    @property
    def cause(self) -> Cause:
        found = next((cause for code, cause in CAUSE_OF.items() if code in self.codes), Cause.NONE)
        if found is Cause.NONE and self.family is Family.REVOKED:
            return Cause.REVOKED
        if found is Cause.LEGAL and not self.topics & {Topic.LEGAL, Topic.INSOLVENCY}:
            return Cause.BEREAVED if Topic.BEREAVEMENT in self.topics else Cause.LEGAL
        if found is Cause.CLAIM and Topic.CREDIT in self.topics and Topic.PAID not in self.topics:
            found = Cause.CREDIT
        if found is Cause.CONFLICT and self.topics & TOPICS_OF[Cause.LEAVING]:
            found = Cause.LEAVING  # who asks to leave contradicts a running subscription
        if found in TOPICS_OF and self._only_an_attacker_says(TOPICS_OF[found]):
            return Cause.ATTACK
        subscription = self.facts.subscription
        if found is Cause.LEAVING and subscription and subscription.cancel_at_period_end:
            return Cause.NONE  # that is settled between us; the last invoice is not
        if found is Cause.NONE and self.mode is Mode.ACT:
            by_topic = (cause for topic, cause in CAUSE_OF_TOPIC.items() if topic in self.topics)
            return next(by_topic, Cause.NONE)
        return found

    @property
    def undraftable(self) -> Cause | None:
        """The cause for which a ready-made bill would do harm."""
        if self.facts.crm is not None and self.facts.crm.do_not_contact:
            return Cause.UNTOUCHABLE
        if self.cause is Cause.CLAIM and Topic.PAID not in self.topics:
            return Cause.BOOKED  # found by a model
        return self.cause if self.cause in NO_DRAFT else None

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        return reading.read(self.facts, self.playbook)

    @property
    def topics(self) -> frozenset[Topic]:
        """What their own words are about, as far as the word lists can tell."""
        return frozenset(signal.topic for signal in self.signals)

    def _only_an_attacker_says(self, topics: set[Topic]) -> bool:
        hostile = {signal.where for signal in self.signals if signal.topic in reading.ATTACKS}
        said = {signal.where for signal in self.signals if signal.topic in topics}
        return bool(said) and said <= hostile

    @property
    def by(self) -> str:
        return words.day(self.deadline, self.tz)


def case_of(
    facts: Facts,
    verdict: Verdict,
    options: Options,
    playbook: Playbook,
    kind: LetterKind,
    expires_at: datetime | None,
) -> Case:
    """The case, and until when its reader is asked to act."""
    tz = words.zone(playbook.company.timezone)
    first_reminder = min(playbook.handoff.reminder_days, default=3)
    deadline = expires_at or words.working_day(facts.now + timedelta(days=first_reminder), tz)
    mode = Mode.KNOW
    if kind is LetterKind.APPROVAL:
        mode = Mode.APPROVE
    elif verdict.action is Action.ESCALATE_NOW:
        mode = Mode.ACT
    return Case(facts, verdict, options, playbook, mode, tz, deadline, expires_at)
