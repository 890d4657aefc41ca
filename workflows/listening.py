"""How people and Stripe reach a running case: its signals, updates and its status.

Handlers only note what was said; the story in `recovery.py` acts on it at its next step.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

from workflows.case import (
    Action,
    Brief,
    Ending,
    Outcome,
    PendingDecision,
    RecoveryInput,
    State,
    Status,
)
from workflows.clock import CaseClock
from workflows.messages import Answer, BadMessageError, Inbox, Message, read
from workflows.nouns import iso


class ListeningCase:
    """The state of one case that outsiders may see, and the messages that they may send."""

    def __init__(self, start: RecoveryInput) -> None:
        self.invoice = start.invoice
        self.clock = CaseClock(start.speed)
        self.inbox = Inbox()
        self.state = State.GATHERING
        self.round = 0
        self.attempts = 0
        self.customer: str | None = None
        self.brief: Brief | None = None
        self.pending: PendingDecision | None = None
        self.next_action: Action | None = None
        self.next_action_at: datetime | None = None
        self.deadline: datetime | None = None  # of the present wait; a snooze moves it
        self.why = ""
        self.ending: Ending | None = None
        self.outcome: Outcome | None = None
        self.snooze_days = 3

    # ── what people see ─────────────────────────────────────────────────────────────────

    @workflow.query(name="status", description="Where this case stands")
    def status(self) -> Status:
        return Status(
            invoice=self.invoice,
            customer=self.customer,
            state=self.state,
            round=max(self.round, 1),
            attempts=self.attempts,
            pending_decision=self.pending,
            next_action=self.next_action,
            next_action_at=self.next_action_at,
            outcome=self.outcome,
        )

    def show(self) -> None:
        """Tell the case in Markdown, as the Web UI shows it under *current details*."""
        workflow.set_current_details("\n\n".join(self._details()))

    def _details(self) -> list[str]:
        lines = [f"**{self._headline()}**"]
        if self.why:
            lines.append(self.why)
        if self.next_action and self.next_action_at:
            lines.append(
                f"Next: **{self.next_action.replace('_', ' ')}** at {iso(self.next_action_at)}"
            )
        if self.pending:
            lines.append(
                f"Waiting for a person until {iso(self.pending.expires_at)}. Decision "
                f"`{self.pending.decision_id}`: send the signal `approve` or `reject`."
            )
        if self.inbox.heard:
            said = (
                f"- {iso(heard.at)} {'accepted' if heard.accepted else 'REFUSED'}: {heard.what}"
                for heard in self.inbox.heard
            )
            lines.append("Messages:\n" + "\n".join(said))
        return lines

    def _headline(self) -> str:
        state = self.state.replace("_", " ")
        if self.outcome:
            state = f"closed: {self.outcome.replace('_', ' ')}"
        if self.brief is None:
            return f"{self.invoice}: {state}"
        return f"{self.brief.account}, {self.brief.amount.plain} ({self.brief.why}): {state}"

    # ── what people say ─────────────────────────────────────────────────────────────────

    @workflow.signal(name="approve", description="Approve the pending decision")
    async def approve(self, *bodies: Any) -> None:
        self._hear("approve", bodies)

    @workflow.signal(name="reject", description="Reject the pending decision: hand over to the CSM")
    async def reject(self, *bodies: Any) -> None:
        self._hear("reject", bodies)

    @workflow.signal(name="cancel", description="Stop this case")
    async def cancel(self, *bodies: Any) -> None:
        self._hear("cancel", bodies)

    @workflow.signal(name="snooze", description="Do nothing until a later time")
    async def snooze(self, *bodies: Any) -> None:
        self._hear("snooze", bodies)

    @workflow.signal(name="stripe_event", description="Stripe says that something moved")
    async def stripe_event(self, *bodies: Any) -> None:
        body = bodies[0] if len(bodies) == 1 and isinstance(bodies[0], dict) else {}
        event, kind = body.get("event_id"), body.get("type")
        if not (isinstance(event, str) and isinstance(kind, str)):
            self._refuse("stripe_event", 'expected {"event_id", "type"}')
        elif self.inbox.stripe_event(event):
            self.inbox.log(self.clock.now(), f"Stripe: {kind}", accepted=True)
            self.show()

    @workflow.signal(dynamic=True)
    async def unknown(self, name: str, args: Sequence[RawValue]) -> None:
        self._refuse(name, "no such signal; known: approve, reject, cancel, snooze")

    @workflow.update(name="decide", description="Approve or reject the pending decision")
    async def decide_update(self, *bodies: Any) -> Status:
        message = read(bodies)
        asked_in = self.state
        self._take(str(message.verdict), message)
        await self._until(lambda: self.state not in (asked_in, State.DECIDING))
        return self.status()

    @decide_update.validator
    def _check_decide(self, *bodies: Any) -> None:
        message = read(bodies)
        if message.verdict is None:
            raise BadMessageError('verdict must be "approve" or "reject"')
        self._check(message.verdict, message)

    @workflow.update(name="stop", description="Stop this case")
    async def stop_update(self, *bodies: Any) -> Status:
        self._take("cancel", read(bodies))
        await self._until(lambda: self.outcome is not None)
        return self.status()

    @stop_update.validator
    def _check_stop(self, *bodies: Any) -> None:
        self._check("cancel", read(bodies))

    # ── how it is taken ─────────────────────────────────────────────────────────────────

    def _hear(self, name: str, bodies: Sequence[Any]) -> None:
        """A signal: nobody waits for an answer, so a refusal is shown instead of raised."""
        try:
            message = read(bodies)
            self._check(name, message)
        except BadMessageError as refusal:
            self._refuse(name, str(refusal))
        else:
            self._take(name, message)

    def _refuse(self, name: str, why: str) -> None:
        self.inbox.log(self.clock.now(), f"{name}: {why}", accepted=False)
        self.show()

    def _check(self, name: str, message: Message) -> None:
        if self.ending is not None or self.outcome is not None or self.inbox.stop:
            raise BadMessageError("this case is closing; nothing can be changed any more")
        if message.decision_id and (
            self.pending is None or message.decision_id != self.pending.decision_id
        ):
            pending = self.pending.decision_id if self.pending else "none"
            raise BadMessageError(
                f"decision {message.decision_id} is not the pending one (pending: {pending})"
            )
        if name in ("approve", "reject"):
            self._check_answer(name)
        if name == "snooze":
            self._check_snooze(message)

    def _check_answer(self, name: str) -> None:
        if self.pending is None:
            raise BadMessageError("no decision is pending")
        if self.inbox.answer is not None:
            raise BadMessageError(f"already answered by {self.inbox.answer.actor}")
        if name == "reject" and self.state is State.AWAITING_CSM:
            raise BadMessageError(
                "already with the CSM; approve means 'I have it', cancel stops the case"
            )

    def _check_snooze(self, message: Message) -> None:
        if self.deadline is None:
            raise BadMessageError("nothing is waiting that could be snoozed; try again in a moment")
        if message.until is not None and message.until <= self.clock.now():
            raise BadMessageError(f"until {iso(message.until)} is in the past")

    def _take(self, name: str, message: Message) -> None:
        if name == "cancel":
            self.inbox.stop = message
        elif name == "snooze":
            days = timedelta(days=self.snooze_days)
            self.inbox.snooze_until = message.until or self.clock.now() + days
        else:
            self.inbox.answer = Answer(
                approved=name == "approve",
                actor=message.who,
                reason=message.reason,
                action=message.action if name == "approve" else None,
            )
        self.inbox.log(self.clock.now(), self._told(name, message), accepted=True)
        self.show()

    def _told(self, name: str, message: Message) -> str:
        extra = f" ({message.action.replace('_', ' ')} instead)" if message.action else ""
        until = f" until {iso(message.until)}" if message.until else ""
        reason = f": {message.reason}" if message.reason else ""
        return f"{name}{extra}{until} by {message.who}{reason}"

    async def _until(self, done: Callable[[], bool]) -> None:
        """Give the story a moment to act, so that the answer shows the new state."""
        try:
            await workflow.wait_condition(
                lambda: done() or self.outcome is not None, timeout=timedelta(seconds=10)
            )
        except TimeoutError:
            return
