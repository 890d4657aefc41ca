"""Opening and closing a case in our own tables, and the lines in between."""

from collections.abc import Callable

from temporalio import activity

from activities.records import Records
from workflows import steps
from workflows.case import Outcome
from workflows.playbook import Playbook
from workflows.steps import CaseOpened, Close, Done, OpenCase, Record, Waits

ANSWERS = {"approved": "approve", "rejected": "reject"}  # an audit line's event: a verdict


def waits_of(playbook: Playbook) -> Waits:
    """How long a case waits for people, as the playbook says when the case opens."""
    return Waits(
        approval_days=playbook.approval.expires_days,
        link_days=playbook.contact.link_deadline_days,
        reminder_days=playbook.handoff.reminder_days,
        csm_days=playbook.handoff.deadline_days,
        snooze_days=playbook.handoff.snooze_days,
        horizon_days=playbook.retries.horizon_days,
        handoff_after_days=playbook.handoff.after_days,
    )


class BookkeepingActivities:
    """`current` gives the playbook of this moment; a case that is running keeps the one it has."""

    def __init__(self, records: Records, current: Callable[[], Playbook]) -> None:
        self._records = records
        self._current = current

    @activity.defn(name=steps.OPEN_CASE.name)
    async def open_case(self, order: OpenCase) -> CaseOpened:
        """The case of this invoice. A case that a person closed is not opened again by an event."""
        case, may_work = await self._records.open_case(
            order.ref,
            workflow_id=order.workflow_id,
            run_id=order.run_id,
            playbook=self._current(),
            again=order.again,
        )
        playbook = await self._records.playbook(case.playbook)
        return CaseOpened(
            cycle=case.cycle,
            playbook=case.playbook,
            ours=playbook.retries.owner == "ours",
            waits=waits_of(playbook),
            round=case.rounds_before,
            so_far=await self._records.so_far(case) if may_work else None,
            closed_before=None if may_work else case.outcome or Outcome.CANCELLED,
        )

    @activity.defn(name=steps.RECORD.name)
    async def record(self, order: Record) -> Done:
        await self._records.audit(order.ref.invoice, order.entries)
        for entry in order.entries:
            if entry.decision and (answer := ANSWERS.get(entry.event)):
                await self._records.approve(
                    entry.decision, answer, entry.actor, entry.at, entry.detail
                )
        return Done()

    @activity.defn(name=steps.CLOSE_CASE.name)
    async def close_case(self, order: Close) -> Done:
        await self._records.close_case(order.ref, order.outcome, order.text, order.entries)
        return Done()
