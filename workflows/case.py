"""The nouns of a case: what is proposed, what is decided, and how it ends."""

from enum import StrEnum

from pydantic import ConfigDict, Field

from workflows.money import Money
from workflows.nouns import DecisionId, InvoiceId, Noun, Utc


class Action(StrEnum):
    """What can be done about a failed invoice. Only a rule may choose `STOP`."""

    SCHEDULE_RETRY = "schedule_retry"
    SEND_UPDATE_LINK = "send_update_link"
    ESCALATE_NOW = "escalate_now"
    STOP = "stop"


class State(StrEnum):
    GATHERING = "gathering"
    DECIDING = "deciding"
    AWAITING_APPROVAL = "awaiting_approval"
    WAITING_TO_RETRY = "waiting_to_retry"
    PAYING = "paying"
    AWAITING_CUSTOMER = "awaiting_customer"
    AWAITING_CSM = "awaiting_csm"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a case ends; the result of its workflow run."""

    RECOVERED = "recovered"
    PAID_ELSEWHERE = "paid_elsewhere"
    NOT_COLLECTIBLE = "not_collectible"
    CANCELLED = "cancelled"
    SUBSCRIPTION_ENDED = "subscription_ended"
    HANDED_OVER = "handed_over"
    EXHAUSTED = "exhausted"


class DecidedBy(StrEnum):
    POLICY = "policy"  # only one action was left, or a rule forced it
    MODEL = "model"
    FALLBACK = "fallback"  # the rule table, because the model was unset, down, slow, or invalid
    PERSON = "person"


class Reason(Noun):
    """Why a rule spoke: a code for programs, a sentence (numbers in it) for people."""

    code: str
    text: str


class Blocked(Noun):
    """An action that was asked for or considered, and the rule that forbids it."""

    action: Action
    code: str
    text: str


class Slot(Noun):
    """An instant at which a retry is permitted. The model names a slot; it never makes one."""

    slot_id: str  # S1 … S6
    at: Utc
    label: str  # for people, in the customer's local time
    # soonest | bank_day_morning | network_wait | payday | earlier_success | new_card | …
    why: tuple[str, ...]


class Options(Noun):
    """What the rules leave open before anyone proposes anything."""

    allowed: tuple[Action, ...]  # never empty
    slots: tuple[Slot, ...]  # empty iff SCHEDULE_RETRY is not allowed
    default: Action  # what the rule table would do
    default_slot: str | None
    approval: tuple[
        Reason, ...
    ] = ()  # non-empty: a person must approve a charge or a customer mail
    reasons: tuple[Reason, ...] = ()  # every rule that fired
    blocked: tuple[Blocked, ...] = ()

    def slot(self, slot_id: str | None) -> Slot | None:
        return next((slot for slot in self.slots if slot.slot_id == slot_id), None)


class Claim(Noun):
    """A sentence and the evidence it rests on, by ids of the evidence pack."""

    claim: str
    evidence: tuple[str, ...]


class Proposal(Noun):
    """What the agent (or a person) would do. It can name only what `Options` offered."""

    action: Action
    slot_id: str | None = None
    by: DecidedBy = DecidedBy.MODEL
    confidence: str | None = None  # low | medium | high
    claims: tuple[Claim, ...] = ()
    risks: tuple[Claim, ...] = ()
    mood: str | None = None
    root_cause: str | None = None
    runner_up: Action | None = None
    needs_human: bool = False
    human_question: str | None = None
    suspicious: tuple[str, ...] = ()


class Verdict(Noun):
    """What will be done: the proposal after the rules."""

    action: Action
    at: Utc | None = None  # when the retry is made, or the earliest time the customer may be mailed
    approval: tuple[Reason, ...] = ()
    reasons: tuple[Reason, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    decided_by: DecidedBy = DecidedBy.POLICY

    @property
    def needs_approval(self) -> bool:
        """Only a charge or a customer mail waits; an escalation is itself a handover."""
        return bool(self.approval) and self.action in (
            Action.SCHEDULE_RETRY,
            Action.SEND_UPDATE_LINK,
        )


class Ending(Noun):
    """The invoice needs us no more, and why. `text` is for people."""

    outcome: Outcome
    code: str
    text: str


class RecoveryInput(Noun):
    """How a case starts: `{"invoice": "in_…"}`; anything else is optional."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    invoice: InvoiceId
    speed: float = Field(
        default=1.0, gt=0, description="case time runs this much faster while waiting"
    )
    again: bool = Field(default=False, description="open a new case although one was closed before")


class PendingDecision(Noun):
    decision_id: DecisionId
    action: Action
    reasons: tuple[str, ...]
    expires_at: Utc


class Status(Noun):
    """The answer of the `status` query and of every update; times are case time."""

    invoice: InvoiceId
    customer: str | None
    state: State
    round: int
    attempts: int
    pending_decision: PendingDecision | None
    next_action: Action | None
    next_action_at: Utc | None
    outcome: Outcome | None


class Brief(Noun):
    """A case in four short phrases, for summaries that people read in the Web UI."""

    account: str
    amount: Money
    why: str
    decline_code: str | None
    plan_tier: str | None


class Permit(Noun):
    """The rules' third word, right before the act: go, or not (yet), and why."""

    ok: bool
    not_before: Utc | None = None
    reason: Reason | None = None
