"""Every step a case may take in the outside world: its shapes, time-outs and retry rules.

A step is an activity; it can run twice without harm. Who does it lives in `activities/`, one
module per system; this page imports none of them, so the workflow replays without any SDK.

Only ids and small structs travel: the CRM's text, the mails and the evidence live in our Postgres.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows.case import (
    Action,
    Brief,
    DecidedBy,
    Ending,
    Options,
    Outcome,
    Proposal,
    Verdict,
)
from workflows.facts import Source
from workflows.money import Money
from workflows.nouns import ChargeId, DecisionId, InvoiceId, LetterId, Noun, Utc


class Ref(Noun):
    """Which case, which round, and what its own clock says."""

    invoice: InvoiceId
    cycle: int  # 1; one more each time the case is opened again on purpose
    round: int  # from 1
    now: Utc  # case time
    speed: float = 1.0


# ── opening and closing (our own tables) ────────────────────────────────────────────────


class OpenCase(Noun):
    ref: Ref
    workflow_id: str
    run_id: str
    again: bool


class Waits(Noun):
    """How long the case waits for people: the playbook's words when it opened, then fixed."""

    approval_days: int
    link_days: int
    reminder_days: tuple[int, ...]
    csm_days: int
    snooze_days: int
    horizon_days: int
    handoff_after_days: int


class SoFar(Noun):
    """What the lost runs of this cycle had done, as the ledger knows: the case goes on there."""

    opened_at: Utc
    latest: Utc  # case time of the last thing they wrote down
    attempts: int = 0
    owned: bool = False
    charged: bool = False  # a debit was under way
    told_customer: bool = False
    told_csm: bool = False
    asked_csm: bool = False
    escalated_for: tuple[str, ...] | None = None  # the reasons of the last handoff that went out
    escalated_at: Utc | None = None
    decision: "Concluded | None" = None  # the last one
    step: int = 0  # of the next decision in the same round
    unfinished: bool = False  # the last decision is to be carried out, or carried on
    approved: bool = False  # a person has agreed to it already


class CaseOpened(Noun):
    cycle: int
    playbook: str  # hash; a running case keeps the playbook it started with
    ours: bool  # retries.owner: do we take the retries over from Stripe?
    waits: Waits
    closed_before: Outcome | None = None  # a person closed this case; it stays closed
    round: int = 0  # the last round of an earlier, lost run of this same case
    so_far: SoFar | None = None  # what that run had done


class Entry(Noun):
    """One line of the audit trail."""

    at: Utc
    actor: str
    event: str
    detail: str = ""
    decision: DecisionId | None = None


class Record(Noun):
    ref: Ref
    entries: tuple[Entry, ...]


class Close(Noun):
    ref: Ref
    outcome: Outcome | None  # None: Temporal's own Cancel
    text: str
    entries: tuple[Entry, ...] = ()


# ── Stripe ──────────────────────────────────────────────────────────────────────────────


class Recheck(Noun):
    """Read the invoice afresh. `about`: the act that comes next, to ask the rules once more."""

    ref: Ref
    about: Action | None = None


class PaymentState(StrEnum):
    NONE = "none"  # nothing under way
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"


class Rechecked(Noun):
    ending: Ending | None
    customer: str | None
    card: str | None  # opaque; changes whenever what would be charged next changes
    remaining: Money | None
    payment: PaymentState = PaymentState.NONE
    latest_charge: ChargeId | None = None
    permitted: bool = True  # may `about` be done now?
    not_before: Utc | None = None
    objection: str | None = None  # the rule's sentence, when not permitted
    disputed: bool = False


class Ownership(Noun):
    taken: bool
    text: str


class HandBack(Noun):
    ref: Ref
    why: str


class Announce(Noun):
    """Write the planned retry where everyone looks: the invoice's metadata."""

    ref: Ref
    at: Utc


class Pay(Noun):
    ref: Ref
    decision: DecisionId
    ordinal: int  # allocated in Postgres with the decision


class PayKind(StrEnum):
    PAID = "paid"
    DECLINED = "declined"
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    SETTLED = "settled"  # paid, voided or ended by someone else: nothing was charged by this call
    SUPERSEDED = "superseded"  # amount, card or rules changed: decide again
    UNCLEAR = "unclear"  # the reconcile loop gave up: a person must look


class PayResult(Noun):
    kind: PayKind
    charge: ChargeId | None = None
    code: str | None = None
    text: str = ""


# ── evidence ────────────────────────────────────────────────────────────────────────────


class Gather(Noun):
    ref: Ref


class Gathered(Noun):
    source: Source
    found: bool  # False: the source answered, and has no such record
    text: str  # one line for people: "6 paid invoices", "no company with this customer id"


class Weigh(Noun):
    ref: Ref
    missing: tuple[Source, ...] = ()
    new_card: bool = False


class Weighed(Noun):
    options: Options
    ask_model: bool
    pack: str  # hash of the evidence pack, stored in Postgres
    brief: Brief
    draft_model: bool = False  # is a model configured (and wanted here) to write the handoff?
    tell_csm: bool = True  # playbook handoff.when: does the CSM hear of a link at once?


class LookUp(Noun):
    """A read that the agent asked for, by an id of the pack; bound to this customer."""

    ref: Ref
    tool: str  # read_note | read_ticket | list_more_notes | list_invoices
    evidence_id: str | None = None
    months: int | None = None


class LookedUp(Noun):
    evidence: tuple[str, ...]  # ids added to the pack
    text: str
    pack: str = ""  # hash of what was found, stored beside the pack


class Propose(Noun):
    ref: Ref
    options: Options
    pack: str
    look_ups: tuple[LookedUp, ...] = ()
    may_look_up: bool = False


class Proposed(Noun):
    proposal: Proposal | None
    problem: str | None = None  # why there is none: "timed out", "over budget", …
    wants: tuple[LookUp, ...] = ()
    model: str | None = None


class Conclude(Noun):
    """Let the rules clamp the proposal, and keep the decision for ever."""

    ref: Ref
    options: Options
    pack: str
    proposal: Proposal | None
    problem: str | None = None
    actor: str | None = None  # the person, when one overrides
    step: int = 0  # 0: the round's own decision; then one more per person's override


class Concluded(Noun):
    decision: DecisionId
    ordinal: int
    verdict: Verdict
    why: str  # one sentence for people


SoFar.model_rebuild()
CaseOpened.model_rebuild()


# ── people ──────────────────────────────────────────────────────────────────────────────


class LetterKind(StrEnum):
    HANDOFF = "handoff"  # to the CSM
    APPROVAL = "approval"  # to the CSM: may we?
    REMINDER = "reminder"  # to the CSM, same thread
    STAND_DOWN = "stand_down"  # to the CSM, same thread: money arrived, do nothing
    UPDATE_LINK = "update_link"  # to the customer's billing contact


class Write(Noun):
    ref: Ref
    decision: DecisionId
    ordinal: int
    kind: LetterKind
    step: int = 0  # the how-manieth reminder
    expires_at: Utc | None = None
    text: str = ""  # what happened, for a stand-down


class Written(Noun):
    letter: LetterId
    by: DecidedBy  # MODEL or FALLBACK (the template)
    subject: str


class Send(Noun):
    ref: Ref
    letter: LetterId
    kind: LetterKind
    ordinal: int
    step: int = 0  # the how-manieth reminder


class SendKind(StrEnum):
    SENT = "sent"
    BLOCKED = "blocked"  # settled, no longer permitted, or no address: `text` says which
    UNCLEAR = "unclear"


class SendResult(Noun):
    kind: SendKind
    text: str = ""


class WriteNote(Noun):
    ref: Ref
    decision: DecisionId
    ordinal: int
    step: str  # decided | closed
    text: str


class NoteWritten(Noun):
    written: bool
    text: str


# ── the sweep ───────────────────────────────────────────────────────────────────────────


class Sweeping(Noun):
    """One pass over everything that may have been missed. Wall time, never case time."""

    at: Utc


class Found(Noun):
    """What one pass found. `left` are open invoices that this pass does not start."""

    at: Utc
    missing: tuple[InvoiceId, ...] = ()  # open, past due, and no case
    lost: tuple[InvoiceId, ...] = ()  # an open case whose run is gone
    moved: tuple[InvoiceId, ...] = ()  # an open case that knows less than Stripe
    reset: tuple[InvoiceId, ...] = ()  # a closed case whose run goes on, because it was reset
    left: tuple[InvoiceId, ...] = ()  # the first of them
    left_count: int = 0


class Swept(Noun):
    started: tuple[InvoiceId, ...] = ()
    restarted: tuple[InvoiceId, ...] = ()
    reopened: tuple[InvoiceId, ...] = ()  # their run was reset after it had closed the case
    told: tuple[InvoiceId, ...] = ()
    left: tuple[InvoiceId, ...] = ()  # too old, or too many at once: the first of them
    left_count: int = 0
    reconciled: int = 0
    unclear: int = 0
    broken: tuple[str, ...] = ()  # promises that the records or the world do not keep
    failed: tuple[str, ...] = ()  # parts of this pass that did not work


# ── the steps themselves ────────────────────────────────────────────────────────────────

PERMANENT = ("InvalidRequest", "Bug")  # ApplicationError types that no retry can mend

FOREVER = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(minutes=1),  # a queue's rate limit spares a vendor that is down
    non_retryable_error_types=PERMANENT,
)
BRIEFLY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(seconds=20),
    maximum_attempts=6,
    non_retryable_error_types=PERMANENT,
)
TWICE = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_attempts=2,
    non_retryable_error_types=PERMANENT,
)

SILENT_FOR = timedelta(seconds=15)  # then its worker is taken for dead, and another one begins

Takes = TypeVar("Takes", bound=Noun)
Gives = TypeVar("Gives", bound=Noun)


class Done(Noun):
    """A step that has nothing to tell."""


def queue_name(base: str, system: str | None) -> str:
    """`dunning` and `stripe` make `dunning-stripe`: each outside system has limits of its own."""
    return f"{base}-{system}" if system else base


@dataclass(frozen=True)
class Step(Generic[Takes, Gives]):
    """An activity by name, with everything Temporal must know to run it."""

    name: str
    takes: type[Takes]
    gives: type[Gives]
    queue: (
        str | None
    )  # suffix of the task queue; None: our own tables, run in the workflow's worker
    start_to_close: timedelta
    retry: RetryPolicy
    schedule_to_close: timedelta | None = None

    async def __call__(self, order: Takes, summary: str) -> Gives:
        if self.queue is None:
            done: Gives = await workflow.execute_local_activity(
                self.name,
                order,
                result_type=self.gives,
                start_to_close_timeout=self.start_to_close,
                retry_policy=self.retry,
                summary=summary,
            )
            return done
        answer: Gives = await workflow.execute_activity(
            self.name,
            order,
            result_type=self.gives,
            task_queue=queue_name(workflow.info().task_queue, self.queue),
            start_to_close_timeout=self.start_to_close,
            schedule_to_close_timeout=self.schedule_to_close,
            heartbeat_timeout=SILENT_FOR,
            retry_policy=self.retry,
            summary=summary,
        )
        return answer


def _ours(name: str, takes: type[Takes], gives: type[Gives]) -> Step[Takes, Gives]:
    return Step(name, takes, gives, None, timedelta(seconds=10), FOREVER)


def _vendor(
    system: str,
    name: str,
    takes: type[Takes],
    gives: type[Gives],
    *,
    seconds: int,
    retry: RetryPolicy = FOREVER,
    within: timedelta | None = None,
) -> Step[Takes, Gives]:
    return Step(name, takes, gives, system, timedelta(seconds=seconds), retry, within)


QUEUES = ("stripe", "hubspot", "graph", "agent")

OPEN_CASE = _ours("open_case", OpenCase, CaseOpened)
WEIGH = _ours("weigh_evidence", Weigh, Weighed)
CONCLUDE = _ours("conclude", Conclude, Concluded)
WRITE_FROM_TEMPLATE = _ours("write_letter_from_template", Write, Written)
RECORD = _ours("record", Record, Done)
CLOSE_CASE = _ours("close_case", Close, Done)

RECHECK = _vendor("stripe", "recheck_invoice", Recheck, Rechecked, seconds=30)
TAKE_OWNERSHIP = _vendor("stripe", "take_ownership", Ref, Ownership, seconds=45)
HAND_BACK = _vendor("stripe", "hand_back", HandBack, Ownership, seconds=45)
ANNOUNCE = _vendor("stripe", "announce_retry", Announce, Done, seconds=45)
PAY = _vendor("stripe", "pay_invoice", Pay, PayResult, seconds=60)

GATHER_STRIPE = _vendor(
    "stripe", "gather_stripe", Gather, Gathered, seconds=45, within=timedelta(minutes=10)
)
GATHER_BILLING = _vendor(
    "", "gather_billing", Gather, Gathered, seconds=15, retry=BRIEFLY, within=timedelta(minutes=1)
)
GATHER_CRM = _vendor(
    "hubspot",
    "gather_crm",
    Gather,
    Gathered,
    seconds=45,
    retry=BRIEFLY,
    within=timedelta(minutes=3),
)
LOOK_UP = _vendor(
    "", "look_up", LookUp, LookedUp, seconds=30, retry=TWICE, within=timedelta(minutes=1)
)
PROPOSE = _vendor(
    "agent", "propose", Propose, Proposed, seconds=120, retry=TWICE, within=timedelta(minutes=5)
)
WRITE_WITH_MODEL = _vendor(
    "agent",
    "write_letter_with_model",
    Write,
    Written,
    seconds=150,
    retry=TWICE,
    within=timedelta(minutes=5),
)
SEND = _vendor("graph", "send_letter", Send, SendResult, seconds=60)
NOTE = _vendor(
    "hubspot",
    "write_note",
    WriteNote,
    NoteWritten,
    seconds=45,
    retry=BRIEFLY,
    within=timedelta(hours=1),
)

SOON = timedelta(minutes=10)  # a pass that takes longer is better begun anew
FIND_MISSED = _vendor("stripe", "find_missed_invoices", Sweeping, Found, seconds=300)
RECONCILE = _vendor("stripe", "reconcile_charges", Sweeping, Swept, seconds=300, within=SOON)
RECONCILE_MAILS = _vendor("graph", "reconcile_mails", Sweeping, Swept, seconds=300, within=SOON)
RECONCILE_NOTES = _vendor("hubspot", "reconcile_notes", Sweeping, Swept, seconds=300, within=SOON)
CATCH_UP = _vendor("", "catch_up", Found, Swept, seconds=300)
CHECK = _vendor("stripe", "check_promises", Sweeping, Swept, seconds=300, retry=TWICE, within=SOON)
CHECK_MAILS = _vendor(
    "graph", "check_mails", Sweeping, Swept, seconds=300, retry=TWICE, within=SOON
)

OF_THE_SWEEP = (
    FIND_MISSED, RECONCILE, RECONCILE_MAILS, RECONCILE_NOTES, CATCH_UP, CHECK, CHECK_MAILS,
)  # fmt: skip
ALL: tuple[Step[Noun, Noun], ...] = tuple(
    step for step in list(globals().values()) if isinstance(step, Step) and step not in OF_THE_SWEEP
)
