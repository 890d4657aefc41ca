"""The story of one failed invoice, from the first failure to the money, a person, or the end.

Read `recover` first. What the outside world does is in `steps.py`; which act is allowed is in
`policy.py`; what people may say meanwhile is in `listening.py`; the books are kept in
`bookkeeping.py`.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows import steps
from workflows.bookkeeping import PAID, KeptCase
from workflows.case import (
    Action,
    DecidedBy,
    Ending,
    Outcome,
    Proposal,
    RecoveryInput,
    State,
)
from workflows.facts import Source
from workflows.messages import Answer
from workflows.steps import (
    Concluded,
    LetterKind,
    PayKind,
    PaymentState,
    Proposed,
    SendKind,
)

STOPPED_BY_RULE = "STOPPED_BY_RULE"  # a filter of the playbook: the invoice is left to Stripe
# Never on a handover, a dispute or a legal matter.
HANDS_BACK = (Outcome.CANCELLED, Outcome.EXHAUSTED)
STANDS_DOWN = (*PAID, Outcome.NOT_COLLECTIBLE, Outcome.CANCELLED, Outcome.SUBSCRIPTION_ENDED)
ASKED_THE_BANK = (PayKind.PAID, PayKind.DECLINED, PayKind.REQUIRES_ACTION, PayKind.PROCESSING)

MOST_LOOK_UPS = 4
MOST_LOOK_UP_ROUNDS = 2
MOST_ROUNDS = 25  # far beyond what the rules allow; then a person must look, not a loop
# A bank debit may take days: https://docs.stripe.com/payments/ach-direct-debit
BANK_ASKED_EVERY = timedelta(days=1)
REACTS_LATE = timedelta(days=1)  # after Stripe's own retry was due, before we decide again


class News(StrEnum):
    """What ended a wait."""

    TIME = "time"  # the planned instant came
    SNOOZED = "snoozed"
    ANSWERED = "answered"
    CHANGED = "changed"  # the invoice, its card or a dispute: decide again
    ENDED = "ended"


@workflow.defn(name="RecoverInvoice")
class RecoverInvoice(KeptCase):
    """One failed invoice, one run."""

    @workflow.init
    def __init__(self, start: RecoveryInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: RecoveryInput) -> str:
        try:
            outcome = await self.open_and_recover()
        except BaseException as error:
            if is_cancelled_exception(error) and self.is_open:  # else there is nothing to clean up
                await self.close(_ending(Outcome.CANCELLED, "CANCELLED_IN_TEMPORAL"))
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome.value

    # ── the story ───────────────────────────────────────────────────────────────────────

    async def open_and_recover(self) -> Outcome:
        await self.open_case()
        if self.case.closed_before:  # a person closed it: Stripe's next failure does not reopen it
            return self.shut(self.case.closed_before, "A person closed this case before.")
        return await self.close(await self.recover())

    async def recover(self) -> Ending:
        while (ending := await self.recheck()) is None:
            if self.bank_is_processing:
                await self.wait_for_the_bank()
                continue
            await self.own_the_retries()
            decision = await self.take_up()
            if not decision and not await self.gather_evidence():
                continue  # Stripe could not be read: decide nothing
            decision = decision or await self.decide()
            if decision.verdict.needs_approval and not self.approved:
                decision = await self.ask_a_person(decision)
            if decision:
                await self.carry_out(decision)
        return ending

    async def carry_out(self, decision: Concluded) -> None:
        """Act, then wait for what it brings: the money, news, or silence."""
        match decision.verdict.action:
            case Action.SCHEDULE_RETRY:
                await self.retry(decision)
            case Action.SEND_UPDATE_LINK:
                await self.send_link(decision)
            case Action.ESCALATE_NOW:
                await self.escalate(decision)
            case Action.STOP:
                self.end(Outcome.NOT_COLLECTIBLE, STOPPED_BY_RULE, decision.why)

    # ── knowing ─────────────────────────────────────────────────────────────────────────

    async def recheck(self, about: Action | None = None) -> Ending | None:
        """Read the invoice afresh. An event was only a hint; this is the state."""
        self.heed_a_stop()
        if self.ending is None:
            self.inbox.stripe_moved = False
            self.seen = await steps.RECHECK(
                steps.Recheck(ref=self.ref, about=about), "Read the invoice afresh at Stripe"
            )
            self.customer = self.seen.customer or self.customer
            self.ending = self.credited(self.seen.ending)
            self.heed_a_stop()
        return self.ending

    def credited(self, ending: Ending | None) -> Ending | None:
        """Paid after our charge, link or handoff is recovered; otherwise someone else did it."""
        ours = self.charged or self.told_customer or self.told_csm
        if ending and ending.outcome is Outcome.PAID_ELSEWHERE and ours:
            return ending.model_copy(update={"outcome": Outcome.RECOVERED})
        return ending

    async def own_the_retries(self) -> None:
        """Two retriers would hit one card: before anything else, we are the only one."""
        if self.case.ours and not self.owned:
            ownership = await self.act(
                steps.TAKE_OWNERSHIP(self.ref, "Take the retries over from Stripe")
            )
            self.owned = ownership.taken

    async def take_up(self) -> Concluded | None:
        """What a lost run had decided last is carried out by this one, or carried on.

        The ledger knows what is done already, and does only the rest.
        """
        decision, self.unfinished = self.unfinished, None
        if decision:
            self.weighed = await steps.WEIGH(
                steps.Weigh(ref=self.ref), "Weigh again what the lost run had weighed"
            )
            self.brief = self.weighed.brief
        return decision

    async def gather_evidence(self) -> bool:
        """Ask every system at once. One that fails is missing; it does not stop the case."""
        self.round, self.step, self.pending, self.approved = self.round + 1, 0, None, False
        self.now_in(State.GATHERING)
        order = steps.Gather(ref=self.ref)
        missing = await self.missing_after(
            {
                Source.STRIPE: steps.GATHER_STRIPE(order, "Read failure and card at Stripe"),
                Source.BILLING: steps.GATHER_BILLING(order, "Read plan and billing history"),
                Source.CRM: steps.GATHER_CRM(order, "Read account, notes, tickets in HubSpot"),
            }
        )
        if Source.STRIPE in missing:
            return False
        self.weighed = await steps.WEIGH(
            steps.Weigh(ref=self.ref, missing=missing), "Weigh the evidence"
        )
        self.brief = self.weighed.brief
        return True

    async def missing_after(
        self, reads: dict[Source, Coroutine[Any, Any, steps.Gathered]]
    ) -> tuple[Source, ...]:
        answers = await asyncio.gather(*reads.values(), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not _failed(answer):
                raise answer
        return tuple(
            source
            for source, answer in zip(reads, answers, strict=True)
            if isinstance(answer, BaseException)
        )

    # ── deciding ────────────────────────────────────────────────────────────────────────

    async def decide(self) -> Concluded:
        """The rules have narrowed the options; the agent proposes; the rules clamp."""
        self.now_in(State.DECIDING)
        if self.too_long:
            return await self.conclude(_handover(DecidedBy.POLICY), "The case ran its full time.")
        if not self.weighed.ask_model:
            return await self.conclude(None)
        proposed = await self.ask_the_agent()
        return await self.conclude(proposed.proposal, proposed.problem)

    async def ask_the_agent(self) -> Proposed:
        """One question. It may look a few things up first; then it must answer."""
        seen: tuple[steps.LookedUp, ...] = ()
        rounds = 0
        while True:
            may_look_up = len(seen) < MOST_LOOK_UPS and rounds < MOST_LOOK_UP_ROUNDS
            proposed = await self.propose(seen, may_look_up)
            if proposed.proposal or not proposed.wants or not may_look_up:
                return proposed
            rounds += 1
            for wish in proposed.wants[: MOST_LOOK_UPS - len(seen)]:
                seen += (await self.look_up(wish),)

    async def propose(self, seen: tuple[steps.LookedUp, ...], may_look_up: bool) -> Proposed:
        order = steps.Propose(
            ref=self.ref,
            options=self.weighed.options,
            pack=self.weighed.pack,
            look_ups=seen,
            may_look_up=may_look_up,
        )
        try:
            return await steps.PROPOSE(order, "Ask the agent what to do")
        except ActivityError as error:
            if not _failed(error):
                raise
            return Proposed(proposal=None, problem="The agent did not answer in time.")

    async def look_up(self, wish: steps.LookUp) -> steps.LookedUp:
        subject = wish.evidence_id or wish.tool.replace("_", " ")
        try:
            return await steps.LOOK_UP(wish, f"The agent asks to see {subject}")
        except ActivityError as error:
            if not _failed(error):
                raise
            return steps.LookedUp(evidence=(), text=f"{subject} could not be read")

    async def ask_a_person(self, decision: Concluded) -> Concluded | None:
        """Nothing is charged or sent until somebody agrees. Silence counts as no."""
        expires = self.clock.now() + timedelta(days=self.case.waits.approval_days)
        verdict = decision.verdict
        self.pend(decision, expires)
        self.now_in(State.AWAITING_APPROVAL, expires, verdict.action, verdict.at)
        await self.mail(decision, LetterKind.APPROVAL, expires_at=expires)
        while (news := await self.wait("Wait for a person to approve")) is News.SNOOZED:
            self.pend(decision, self.deadline or expires)
        answer, self.inbox.answer, self.pending = self.inbox.answer, None, None
        if news in (News.ENDED, News.CHANGED):
            return None
        if answer is None:
            return await self.conclude(_handover(DecidedBy.POLICY), "Nobody approved in time.")
        return await self.heed(answer, decision)

    async def heed(self, answer: Answer, decision: Concluded) -> Concluded:
        """A person answered. An action of their own choice is still bound by the rules."""
        await self.record(
            "approved" if answer.approved else "rejected",
            answer.actor,
            answer.reason or "",
            decision,
        )
        if not answer.approved:
            text = f"Rejected by {answer.actor}."
            return await self.conclude(_handover(DecidedBy.PERSON), text, answer.actor)
        if answer.action in (None, decision.verdict.action):
            return decision
        choice = Proposal(action=answer.action, by=DecidedBy.PERSON)
        return await self.conclude(choice, actor=answer.actor)

    async def conclude(
        self, proposal: Proposal | None, problem: str | None = None, actor: str | None = None
    ) -> Concluded:
        """Let the rules clamp the proposal; the decision is kept for ever."""
        order = steps.Conclude(
            ref=self.ref,
            options=self.weighed.options,
            pack=self.weighed.pack,
            proposal=proposal,
            problem=problem,
            actor=actor,
            step=self.step,
        )
        self.decision = await steps.CONCLUDE(order, "Let the rules conclude")
        self.step += 1
        self.why = self.decision.why
        return self.decision

    # ── acting: a smart retry ───────────────────────────────────────────────────────────

    async def retry(self, decision: Concluded) -> None:
        at = decision.verdict.at or self.clock.now()
        if self.case.ours:
            await asyncio.gather(self.announce(at), self.note(decision))
        while True:
            self.now_in(State.WAITING_TO_RETRY, at, Action.SCHEDULE_RETRY, at)
            news = await self.wait("Wait for the retry")
            if news is News.SNOOZED:
                at = self.deadline or at
            elif news is not News.TIME or await self.recheck(Action.SCHEDULE_RETRY):
                return None
            elif self.seen.permitted:
                return await (self.pay(decision) if self.case.ours else self.let_stripe_retry())
            elif self.seen.not_before and self.seen.not_before > self.clock.now():
                at = self.seen.not_before  # the rules moved it meanwhile
            else:
                self.why = self.seen.objection or self.why
                return None

    async def announce(self, at: datetime) -> None:
        """Everyone who looks at the invoice in Stripe sees when it will be charged."""
        try:
            await self.act(
                steps.ANNOUNCE(steps.Announce(ref=self.ref, at=at), "Write the plan on the invoice")
            )
        except ActivityError as error:
            if not _failed(error):
                raise

    async def pay(self, decision: Concluded) -> None:
        self.now_in(State.PAYING)
        order = steps.Pay(ref=self.ref, decision=decision.decision, ordinal=decision.ordinal)
        try:
            result = await self.act(steps.PAY(order, "Charge what is still open"))
        except ActivityError as error:
            if not _failed(error):
                raise
            result = steps.PayResult(kind=PayKind.UNCLEAR, text="Charging failed unexpectedly.")
        self.why = result.text or self.why
        self.attempts += result.kind in ASKED_THE_BANK
        if result.kind is PayKind.PAID:
            self.end(Outcome.RECOVERED, "PAID_BY_OUR_CHARGE", result.text or "Our charge paid it.")
        elif result.kind is PayKind.PROCESSING:
            self.charged = True
            await self.wait_for_the_bank()
        elif result.kind is PayKind.SUPERSEDED:
            self.owned = False  # perhaps somebody switched Stripe's own retries on again
        elif result.kind is PayKind.UNCLEAR:
            await self.escalate(await self.conclude(_handover(DecidedBy.POLICY), result.text))

    async def let_stripe_retry(self) -> None:
        """Stripe owns the retries here: its attempt is due now, and its event will tell us."""
        self.now_in(State.WAITING_TO_RETRY, self.clock.now() + REACTS_LATE)
        await self.wait("Wait for Stripe's own retry")

    @property
    def bank_is_processing(self) -> bool:
        return self.seen.payment is PaymentState.PROCESSING

    async def wait_for_the_bank(self) -> None:
        """A debit under way is never asked for again; it settles or fails by itself."""
        while True:
            self.now_in(State.PAYING, self.clock.now() + BANK_ASKED_EVERY)
            if await self.wait("Wait for the bank") is News.ENDED:
                return
            if await self.recheck() or not self.bank_is_processing:
                return

    # ── acting: a self-serve update link ────────────────────────────────────────────────

    async def send_link(self, decision: Concluded) -> None:
        if not await self.contact_hours(decision):
            return
        sent = await self.mail(decision, LetterKind.UPDATE_LINK)
        if sent.kind is not SendKind.SENT:
            if not await self.recheck():
                await self.escalate(await self.conclude(_handover(DecidedBy.POLICY), sent.text))
            return
        self.told_customer = True
        csm_at = self.clock.now() + timedelta(days=self.case.waits.handoff_after_days)
        if self.weighed.tell_csm:
            await self.tell_csm(decision)
        else:
            await self.note(decision)
        await self.wait_for_the_customer(decision, csm_at)

    async def contact_hours(self, decision: Concluded) -> bool:
        """Hold the mail until the rules permit it. False: something came between."""
        at = decision.verdict.at or self.clock.now()
        while True:
            if at > self.clock.now():
                self.now_in(State.AWAITING_CUSTOMER, at, Action.SEND_UPDATE_LINK, at)
                news = await self.wait("Wait for the customer's working hours")
                if news is News.SNOOZED:
                    at = self.deadline or at
                    continue
                if news is not News.TIME:
                    return False
            if await self.recheck(Action.SEND_UPDATE_LINK):
                return False
            if self.seen.permitted:
                return True
            if not (self.seen.not_before and self.seen.not_before > self.clock.now()):
                return False
            at = self.seen.not_before

    async def wait_for_the_customer(self, decision: Concluded, csm_at: datetime) -> None:
        """Until they pay, change the card, or let the deadline pass; then decide again."""
        deadline = self.clock.now() + timedelta(days=self.case.waits.link_days)
        while True:
            until = deadline if self.told_csm else min(csm_at, deadline)
            self.now_in(State.AWAITING_CUSTOMER, until)
            news = await self.wait("Wait for the customer")
            if news is News.SNOOZED:
                deadline = csm_at = self.deadline or deadline
            elif news is News.TIME and not self.told_csm:
                await self.tell_csm(decision)
            else:
                return

    # ── acting: a handoff to the customer-success manager ───────────────────────────────

    async def escalate(self, decision: Concluded) -> None:
        """From here on a person has it. We remind, and stop when the last deadline passes."""
        reasons = tuple(reason.code for reason in decision.verdict.reasons)
        if reasons != self.escalated_for:  # else the CSM knows already
            self.csm_deadline = self.clock.now() + timedelta(days=self.case.waits.csm_days)
            self.pend(decision, self.csm_deadline)
            self.now_in(State.AWAITING_CSM)
            await self.tell_csm(decision)
            self.escalated_for = reasons
        await self.wait_for_the_csm(decision, self.csm_deadline or self.clock.now())

    async def wait_for_the_csm(self, decision: Concluded, deadline: datetime) -> None:
        began = self.clock.now()
        reminders = [began + timedelta(days=days) for days in self.case.waits.reminder_days]
        reminders = [at for at in reminders if at < deadline]
        sent = 0
        while True:
            self.pend(decision, deadline)
            self.now_in(State.AWAITING_CSM, reminders[0] if reminders else deadline)
            news = await self.wait("Wait for the CSM")
            if news is News.SNOOZED and self.deadline:
                deadline = max(deadline, self.deadline + timedelta(days=1))
                reminders = [self.deadline, *(at for at in reminders if at > self.deadline)]
            elif news is News.ANSWERED and self.inbox.answer:
                answer, self.inbox.answer, self.pending = self.inbox.answer, None, None
                return await self.csm_answered(answer, decision)
            elif news is News.TIME and reminders:
                reminders.pop(0)
                sent += 1
                await self.mail(decision, LetterKind.REMINDER, step=sent)
            elif news is News.TIME:
                text = "The last deadline passed and nobody took the case over."
                return self.end(Outcome.EXHAUSTED, "LAST_DEADLINE_PASSED", text)
            else:
                return None

    async def csm_answered(self, answer: Answer, decision: Concluded) -> None:
        """`approve` means "I have it"; with another action it means "do this instead"."""
        if answer.action in (None, Action.ESCALATE_NOW):
            await self.record("taken over", answer.actor, answer.reason or "", decision)
            self.end(Outcome.HANDED_OVER, "TAKEN_OVER", f"{answer.actor} has taken it over.")
            return
        await self.carry_out(await self.heed(answer, decision))

    async def tell_csm(self, decision: Concluded) -> None:
        sent, _ = await asyncio.gather(self.mail(decision, LetterKind.HANDOFF), self.note(decision))
        self.told_csm = self.told_csm or sent.kind is SendKind.SENT

    # ── mails and notes ─────────────────────────────────────────────────────────────────

    async def mail(
        self,
        decision: Concluded,
        kind: LetterKind,
        *,
        expires_at: datetime | None = None,
        text: str = "",
        step: int = 0,
    ) -> steps.SendResult:
        """Write it once, then send exactly that. `send_letter` rechecks right before it leaves."""
        order = steps.Write(
            ref=self.ref,
            decision=decision.decision,
            ordinal=decision.ordinal,
            kind=kind,
            step=step,
            expires_at=expires_at,
            text=text,
        )
        try:
            letter = await self.written(order)
            send = steps.Send(
                ref=self.ref, letter=letter.letter, kind=kind, ordinal=decision.ordinal, step=step
            )
            sent = await self.act(steps.SEND(send, f"Send: {letter.subject}"))
        except ActivityError as error:
            if not _failed(error):
                raise
            return steps.SendResult(kind=SendKind.UNCLEAR, text=f"The {kind} mail failed.")
        self.asked_csm |= kind is LetterKind.APPROVAL and sent.kind is SendKind.SENT
        return sent

    async def written(self, order: steps.Write) -> steps.Written:
        if order.kind is LetterKind.HANDOFF and self.weighed.draft_model:
            try:
                return await steps.WRITE_WITH_MODEL(order, "Let the agent write the handoff")
            except ActivityError as error:
                if not _failed(error):
                    raise
        return await steps.WRITE_FROM_TEMPLATE(order, f"Write the {order.kind} from the template")

    async def note(self, decision: Concluded, step: str = "decided", text: str = "") -> None:
        """Tell the CRM. A CRM that is down delays nobody's money."""
        order = steps.WriteNote(
            ref=self.ref,
            decision=decision.decision,
            ordinal=decision.ordinal,
            step=step,
            text=text or decision.why,
        )
        try:
            await self.act(steps.NOTE(order, "Write a note on the HubSpot company"))
        except ActivityError as error:
            if not _failed(error):
                raise

    # ── the end ─────────────────────────────────────────────────────────────────────────

    async def close(self, ending: Ending) -> Outcome:
        """Nobody keeps chasing, the retries go back where they belong, the record is closed."""
        self.why, self.pending = ending.text, None
        if ending.outcome in STANDS_DOWN and self.decision and (self.told_csm or self.asked_csm):
            await self.mail(self.decision, LetterKind.STAND_DOWN, text=ending.text)
        if self.owned and (ending.outcome in HANDS_BACK or ending.code == STOPPED_BY_RULE):
            back = steps.HandBack(ref=self.ref, why=ending.text)
            self.why = (await steps.HAND_BACK(back, "Give the retries back to Stripe")).text
        if self.decision:
            await self.note(self.decision, "closed", self.why)
        await steps.CLOSE_CASE(
            steps.Close(
                ref=self.ref, outcome=ending.outcome, text=self.why, entries=self.unrecorded()
            ),
            "Close the record",
        )
        return self.shut(ending.outcome, self.why)

    # ── waiting ─────────────────────────────────────────────────────────────────────────

    @property
    def too_long(self) -> bool:
        horizon = self.opened_at + timedelta(days=self.case.waits.horizon_days)
        return self.round > MOST_ROUNDS or self.clock.now() > horizon

    async def wait(self, summary: str) -> News:
        """Until the deadline of the present state, or until something that matters happens."""
        news = await self.news_before(self.deadline or self.clock.now(), summary)
        if news is not News.SNOOZED:  # a snooze is for this wait, not for what comes after it
            self.deadline, self.inbox.snooze_until = None, None
        return news

    async def news_before(self, until: datetime, summary: str) -> News:
        told = f"{summary}, until {until:%a %d %b %Y %H:%M} UTC"
        while True:
            if not await self.clock.wait(until, lambda: self.inbox.news, told):
                return News.TIME
            self.heed_a_stop()
            if self.ending:
                return News.ENDED
            if self.inbox.answer:
                return News.ANSWERED
            if self.inbox.snooze_until:
                self.deadline, self.inbox.snooze_until = self.inbox.snooze_until, None
                return News.SNOOZED
            before = self.seen
            if await self.recheck():
                return News.ENDED
            if (before.card, before.disputed) != (self.seen.card, self.seen.disputed):
                return News.CHANGED


def _ending(outcome: Outcome, code: str) -> Ending:
    return Ending(outcome=outcome, code=code, text="The run was cancelled in Temporal.")


def _handover(by: DecidedBy) -> Proposal:
    return Proposal(action=Action.ESCALATE_NOW, by=by)


def _failed(error: BaseException) -> bool:
    """A step that gave up, as opposed to the run being cancelled."""
    return isinstance(error, ActivityError) and not is_cancelled_exception(error)
