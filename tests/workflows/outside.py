"""The outside world of one case, as small and scripted as a story test needs it.

It stands in for activities, whose own tests run against real servers. It has a memory (`charges`,
`mails`, …) and lets a test change the world at the moment an activity is called.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from workflows import steps
from workflows.case import (
    Action,
    Brief,
    DecidedBy,
    Ending,
    Options,
    Outcome,
    Reason,
    Slot,
    Verdict,
)
from workflows.money import Money
from workflows.nouns import ChargeId, DecisionId, LetterId, Utc

PAID = Ending(outcome=Outcome.PAID_ELSEWHERE, code="STOP_ALREADY_PAID", text="It is paid.")
VOID = Ending(outcome=Outcome.NOT_COLLECTIBLE, code="STOP_INVOICE_CLOSED", text="It is void.")
SUBSCRIPTION_ENDED = Ending(
    outcome=Outcome.SUBSCRIPTION_ENDED, code="STOP_SUBSCRIPTION_CANCELED", text="It was cancelled."
)

Plan = Callable[[Utc], Verdict]


def retry(days: float, approval: str | None = None) -> Plan:
    return lambda now: Verdict(
        action=Action.SCHEDULE_RETRY,
        at=now + timedelta(days=days),
        approval=_reasons(approval),
        reasons=_reasons("CLAMP_MIN_GAP"),
    )


def link(days: float = 0, approval: str | None = None) -> Plan:
    return lambda now: Verdict(
        action=Action.SEND_UPDATE_LINK,
        at=now + timedelta(days=days),
        approval=_reasons(approval),
        reasons=_reasons("NORETRY_HARD_DECLINE"),
    )


def escalate(code: str = "ESC_OPEN_DISPUTE") -> Plan:
    return lambda now: Verdict(action=Action.ESCALATE_NOW, reasons=_reasons(code))


def stop() -> Plan:
    return lambda now: Verdict(action=Action.STOP, reasons=_reasons("STOP_FILTERED"))


def _reasons(code: str | None) -> tuple[Reason, ...]:
    return (Reason(code=code, text=f"because of {code}"),) if code else ()


class Outside:
    def __init__(self) -> None:
        # what the world is like
        self.ending: Ending | None = None
        self.card = "visa-1"
        self.payment = steps.PaymentState.NONE
        self.disputed = False
        self.objection: str | None = None  # of the rules at wake-up
        self.not_before: Utc | None = None
        self.plans: list[Plan] = []  # what the rules conclude, round by round; the last repeats
        self.bank: list[steps.PayKind] = [steps.PayKind.PAID]
        self.blocked_mails: set[steps.LetterKind] = set()
        self.down: set[str] = set()  # steps that fail for good
        self.closed_before: Outcome | None = None
        self.ours = True
        self.model = False
        self.tell_csm = True
        self.wishes: list[tuple[steps.LookUp, ...]] = []
        self.waits = steps.Waits(
            approval_days=3,
            link_days=5,
            reminder_days=(3, 7),
            csm_days=14,
            snooze_days=3,
            horizon_days=30,
            handoff_after_days=3,
        )
        # what happened
        self.calls: list[str] = []
        self.charges: list[int] = []  # ordinals
        self.mails: list[steps.LetterKind] = []
        self.notes: list[str] = []
        self.entries: list[steps.Entry] = []
        self.concluded: list[steps.Conclude] = []
        self.planned: list[Utc | None] = []
        self.closed: list[steps.Close] = []
        self.owned = False
        self._before: dict[str, list[Callable[[], Any]]] = {}
        self._after: dict[str, list[Callable[[], Any]]] = {}

    def before(self, step: steps.Step[Any, Any], happens: Callable[[], Any]) -> None:
        """Right before the next call of `step`, this happens in the world."""
        self._before.setdefault(step.name, []).append(happens)

    def after(self, step: steps.Step[Any, Any], happens: Callable[[], Any]) -> None:
        self._after.setdefault(step.name, []).append(happens)

    def pays(self) -> None:
        self.ending = PAID

    # ── the activities ──────────────────────────────────────────────────────────────────

    def activities(self) -> list[Callable[..., Any]]:
        return [self._as_activity(step) for step in steps.ALL]

    def _as_activity(self, step: steps.Step[Any, Any]) -> Callable[..., Any]:
        method = getattr(self, step.name)

        async def call(order: Any) -> Any:
            self.calls.append(step.name)
            await _happen(self._before, step.name)
            if step.name in self.down:
                raise ApplicationError(f"{step.name} is down", type="Bug", non_retryable=True)
            answer = method(order)
            await _happen(self._after, step.name)
            return answer

        call.__annotations__ = {"order": step.takes, "return": step.gives}
        return activity.defn(name=step.name)(call)

    def open_case(self, order: steps.OpenCase) -> steps.CaseOpened:
        return steps.CaseOpened(
            cycle=1,
            playbook="p1",
            ours=self.ours,
            waits=self.waits,
            closed_before=self.closed_before,
        )

    def recheck_invoice(self, order: steps.Recheck) -> steps.Rechecked:
        return steps.Rechecked(
            ending=self.ending,
            customer="cus_1",
            card=self.card,
            remaining=Money(amount=2900, currency="usd"),
            payment=self.payment,
            disputed=self.disputed,
            permitted=order.about is None or self.objection is None,
            objection=self.objection,
            not_before=self.not_before,
        )

    def take_ownership(self, order: steps.Ref) -> steps.Ownership:
        self.owned = True
        return steps.Ownership(taken=True, text="ours")

    def hand_back(self, order: steps.HandBack) -> steps.Ownership:
        self.owned = False
        return steps.Ownership(taken=False, text="Stripe may charge at once.")

    def gather_stripe(self, order: steps.Gather) -> steps.Gathered:
        return steps.Gathered(source="stripe", found=True, text="")

    def gather_billing(self, order: steps.Gather) -> steps.Gathered:
        return steps.Gathered(source="billing", found=True, text="")

    def gather_crm(self, order: steps.Gather) -> steps.Gathered:
        return steps.Gathered(source="crm", found=True, text="")

    def weigh_evidence(self, order: steps.Weigh) -> steps.Weighed:
        self.missing = order.missing
        options = Options(
            allowed=(Action.SCHEDULE_RETRY, Action.SEND_UPDATE_LINK, Action.ESCALATE_NOW),
            slots=(Slot(slot_id="S1", at=order.ref.now, label="now", why=("soonest",)),),
            default=Action.SCHEDULE_RETRY,
            default_slot="S1",
        )
        return steps.Weighed(
            options=options,
            ask_model=self.model,
            pack="pack",
            brief=Brief(
                account="Acme",
                amount=Money(amount=2900, currency="usd"),
                why="the bank declined",
                decline_code="do_not_honor",
                plan_tier="growth",
            ),
            draft_model=self.model,
            tell_csm=self.tell_csm,
        )

    def propose(self, order: steps.Propose) -> steps.Proposed:
        if self.wishes and order.may_look_up:
            wants = self.wishes.pop(0)
            return steps.Proposed(proposal=None, wants=wants)
        return steps.Proposed(proposal=None, problem="no model here")

    def look_up(self, order: steps.LookUp) -> steps.LookedUp:
        return steps.LookedUp(evidence=("NOTE.1",), text="read")

    def conclude(self, order: steps.Conclude) -> steps.Concluded:
        self.concluded.append(order)
        ordinal = len(self.concluded)
        verdict = self._verdict(order)
        return steps.Concluded(
            decision=DecisionId(f"{order.ref.invoice}.{ordinal}"),
            ordinal=ordinal,
            verdict=verdict,
            why=order.problem or f"{verdict.action} it is",
        )

    def _verdict(self, order: steps.Conclude) -> Verdict:
        chosen = order.proposal
        if chosen and chosen.action is Action.ESCALATE_NOW and chosen.by is not DecidedBy.MODEL:
            return Verdict(action=Action.ESCALATE_NOW, reasons=_reasons("HANDOVER"))
        if chosen and chosen.by is DecidedBy.PERSON:
            at = order.ref.now
            return Verdict(action=chosen.action, at=at, decided_by=DecidedBy.PERSON)
        plan = self.plans.pop(0) if len(self.plans) > 1 else self.plans[0]
        verdict = plan(order.ref.now)
        self.planned.append(verdict.at)
        return verdict

    def announce_retry(self, order: steps.Announce) -> steps.Done:
        return steps.Done()

    def pay_invoice(self, order: steps.Pay) -> steps.PayResult:
        if self.ending:
            return steps.PayResult(kind=steps.PayKind.SETTLED)
        kind = self.bank.pop(0) if len(self.bank) > 1 else self.bank[0]
        self.charges.append(order.ordinal)
        if kind is steps.PayKind.PAID:
            self.ending = PAID
        if kind is steps.PayKind.PROCESSING:
            self.payment = steps.PaymentState.PROCESSING
        return steps.PayResult(kind=kind, charge=ChargeId("ch_1"), text=f"{kind}")

    def write_letter_from_template(self, order: steps.Write) -> steps.Written:
        return self._written(order, DecidedBy.FALLBACK)

    def write_letter_with_model(self, order: steps.Write) -> steps.Written:
        return self._written(order, DecidedBy.MODEL)

    def _written(self, order: steps.Write, by: DecidedBy) -> steps.Written:
        letter = LetterId(f"{order.kind}-{order.ordinal}-{order.step}")
        return steps.Written(letter=letter, by=by, subject=f"{order.kind} for {order.ref.invoice}")

    def send_letter(self, order: steps.Send) -> steps.SendResult:
        if order.kind in self.blocked_mails:
            return steps.SendResult(kind=steps.SendKind.BLOCKED, text="no address")
        self.mails.append(order.kind)
        return steps.SendResult(kind=steps.SendKind.SENT)

    def write_note(self, order: steps.WriteNote) -> steps.NoteWritten:
        self.notes.append(order.step)
        return steps.NoteWritten(written=True, text="")

    def record(self, order: steps.Record) -> steps.Done:
        self.entries.extend(order.entries)
        return steps.Done()

    def close_case(self, order: steps.Close) -> steps.Done:
        self.entries.extend(order.entries)
        self.closed.append(order)
        return steps.Done()


async def _happen(hooks: dict[str, list[Callable[[], Any]]], name: str) -> None:
    if hooks.get(name):
        happening = hooks[name].pop(0)()
        if hasattr(happening, "__await__"):
            await happening
