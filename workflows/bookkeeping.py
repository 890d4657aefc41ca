"""The bookkeeping of a case: its record, its state as others see it, and how an act is finished.

What `recovery.py` tells would drown in this; nothing here decides anything.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

from workflows import attributes, steps
from workflows.case import Action, Ending, Outcome, PendingDecision, RecoveryInput, State
from workflows.listening import ListeningCase
from workflows.steps import CaseOpened, Concluded, Entry, Rechecked, Ref, Weighed

T = TypeVar("T")

PAID = (Outcome.RECOVERED, Outcome.PAID_ELSEWHERE)


class KeptCase(ListeningCase):
    """A case with its books. `case` and `seen` exist once the case is open and was read."""

    def __init__(self, start: RecoveryInput) -> None:
        super().__init__(start)
        self.start = start
        self.case: CaseOpened
        self.seen: Rechecked
        self.weighed: Weighed
        self.opened_at = self.clock.now()
        self.is_open = False
        self.cycle = 1
        self.step = 0  # decisions within a round beyond its own: a person's override
        self.owned = False
        self.charged = False  # a debit of ours is, or was, under way
        self.told_customer = False
        self.told_csm = False
        self.asked_csm = False  # for an approval
        self.approved = False  # what an earlier run had decided, a person has agreed to
        self.unfinished: Concluded | None = None  # decided by an earlier run that was lost
        self.escalated_for: tuple[str, ...] | None = None  # the reasons of the handoff that is out
        self.csm_deadline: datetime | None = None
        self.decision: Concluded | None = None

    # ── the record ──────────────────────────────────────────────────────────────────────

    async def open_case(self) -> None:
        info = workflow.info()
        self.case = await steps.OPEN_CASE(
            steps.OpenCase(
                ref=self.ref,
                workflow_id=info.workflow_id,
                run_id=info.first_execution_run_id,  # a reset is the same case going on
                again=self.start.again,
            ),
            "Open the case",
        )
        self.is_open = True
        self.cycle, self.round = self.case.cycle, self.case.round
        if self.case.so_far:
            self.go_on_from(self.case.so_far)
        self.snooze_days = self.case.waits.snooze_days

    def go_on_from(self, done: steps.SoFar) -> None:
        """An earlier run of this case was lost: what it had told people, they know."""
        self.clock.catch_up(done.latest)
        self.opened_at = done.opened_at
        self.attempts, self.owned, self.charged = done.attempts, done.owned, done.charged
        self.told_customer, self.told_csm = done.told_customer, done.told_csm
        self.asked_csm, self.decision = done.asked_csm, done.decision
        self.step, self.approved = done.step, done.approved
        self.unfinished = done.decision if done.unfinished else None
        self.escalated_for = done.escalated_for
        if done.escalated_at:
            self.csm_deadline = done.escalated_at + timedelta(days=self.case.waits.csm_days)

    @property
    def ref(self) -> Ref:
        return Ref(
            invoice=self.invoice,
            cycle=self.cycle,
            round=self.round,
            now=self.clock.now(),
            speed=self.clock.speed,
        )

    async def record(self, event: str, actor: str, detail: str, decision: Concluded) -> None:
        entry = Entry(
            at=self.clock.now(),
            actor=actor,
            event=event,
            detail=detail,
            decision=decision.decision,
        )
        entries = (*self.unrecorded(), entry)
        await steps.RECORD(steps.Record(ref=self.ref, entries=entries), f"Record: {event}")

    def unrecorded(self) -> tuple[Entry, ...]:
        heard, self.inbox.unrecorded = self.inbox.unrecorded, []
        return tuple(
            Entry(
                at=line.at,
                actor="message",
                event="accepted" if line.accepted else "refused",
                detail=line.what,
            )
            for line in heard
        )

    # ── the end ─────────────────────────────────────────────────────────────────────────

    def shut(self, outcome: Outcome, text: str) -> Outcome:
        self.outcome, self.why = outcome, text
        self.now_in(State.CLOSED)
        return outcome

    def end(self, outcome: Outcome, code: str, text: str) -> None:
        self.ending = Ending(outcome=outcome, code=code, text=text)

    def heed_a_stop(self) -> None:
        """A person's cancel wins over everything that has not happened yet."""
        if self.inbox.stop and not (self.ending and self.ending.outcome in PAID):
            who = self.inbox.stop.who
            why = f": {self.inbox.stop.reason}" if self.inbox.stop.reason else "."
            self.end(Outcome.CANCELLED, "CANCELLED_BY_PERSON", f"Cancelled by {who}{why}")

    # ── what others see ─────────────────────────────────────────────────────────────────

    def pend(self, decision: Concluded, expires_at: datetime) -> None:
        self.pending = PendingDecision(
            decision_id=decision.decision,
            action=decision.verdict.action,
            reasons=tuple(
                reason.text for reason in decision.verdict.approval or decision.verdict.reasons
            ),
            expires_at=expires_at,
        )

    def now_in(
        self,
        state: State,
        until: datetime | None = None,
        action: Action | None = None,
        action_at: datetime | None = None,
    ) -> None:
        """Enter a state. Only states in which a case rests are worth a search-attribute update."""
        self.state, self.deadline = state, until
        self.next_action = action
        self.next_action_at = action_at if action else until
        if until or state is State.CLOSED:
            self.upsert_attributes()
        self.show()

    def upsert_attributes(self) -> None:
        brief = self.brief
        updates: list[SearchAttributeUpdate[Any]] = [
            attributes.STATE.value_set(self.state),
            attributes.ACTION.value_set(self.decision.verdict.action)
            if self.decision
            else attributes.ACTION.value_unset(),
            attributes.NEXT_ACTION_AT.value_set(self.next_action_at)
            if self.next_action_at
            else attributes.NEXT_ACTION_AT.value_unset(),
        ]
        if self.customer:
            updates.append(attributes.CUSTOMER.value_set(self.customer))
        if brief:
            updates.append(attributes.AMOUNT_DUE.value_set(brief.amount.amount))
        if brief and brief.decline_code:
            updates.append(attributes.DECLINE_CODE.value_set(brief.decline_code))
        if brief and brief.plan_tier:
            updates.append(attributes.PLAN_TIER.value_set(brief.plan_tier))
        workflow.upsert_search_attributes(updates)

    # ── acting ──────────────────────────────────────────────────────────────────────────

    async def act(self, effect: Coroutine[Any, Any, T]) -> T:
        """An effect under way is finished and recorded, even while the run is being cancelled."""
        task = asyncio.ensure_future(effect)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.gather(task, return_exceptions=True)
            raise
