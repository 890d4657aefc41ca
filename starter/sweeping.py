"""The sweep's schedule in Temporal: set up by `dunning migrate`, switched by `dunning sweep`."""

from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from settings import Settings, load
from starter import temporal
from starter.errors import UserError
from workflows.steps import Swept
from workflows.sweep import SCHEDULE, told

SWEEP = "SweepOpenInvoices"
CATCH_UP = timedelta(hours=1)  # passes missed while Temporal was down; older ones are not made up
LONGEST_PASS = timedelta(minutes=50)


async def set_up(client: Client, queue: str, every_minutes: int) -> bool:
    """Create the schedule, paused; or bring it up to date and leave it on or off. True: created."""
    schedule = _schedule(queue, every_minutes, ScheduleState(paused=True, note="not started yet"))
    try:
        await client.create_schedule(SCHEDULE, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(SCHEDULE).update(_keeping_its_state(queue, every_minutes))
        return False
    except RPCError as error:
        raise temporal.plain_error(error, "") from error
    return True


def _schedule(queue: str, every_minutes: int, state: ScheduleState) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SWEEP,
            id="dunning-sweep-pass",
            task_queue=queue,
            run_timeout=LONGEST_PASS,
            static_summary="Looks for failed invoices that no webhook told us about",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(minutes=every_minutes))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
        state=state,
    )


def _keeping_its_state(queue: str, every_minutes: int) -> Any:
    def update(found: ScheduleUpdateInput) -> ScheduleUpdate:
        state = found.description.schedule.state
        return ScheduleUpdate(schedule=_schedule(queue, every_minutes, state))

    return update


async def switch(on: bool | None) -> dict[str, Any]:
    """On, off, or (None) just look. Answers how it stands afterwards, and what the last pass did.

    Switching it on sweeps at once.
    """
    client = await temporal.connect(load(Settings).dunning_payload_keys)
    handle = client.get_schedule_handle(SCHEDULE)
    try:
        if on is True:
            await handle.unpause(note="dunning sweep --on")
            await handle.trigger()
        elif on is False:
            await handle.pause(note="dunning sweep --off")
        described = await handle.describe()
        if on is not None:  # the schedule takes a moment to show what it was just told
            described.schedule.state.paused = not on
        last = None if on is not None else await _last_pass(client, described)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise UserError("There is no sweep here yet. Run `dunning migrate` first.") from error
        raise temporal.plain_error(error, "") from error
    return _told(described, last)


async def _last_pass(client: Client, described: ScheduleDescription) -> Swept | None:
    """What the latest finished pass did."""
    for action in reversed(described.info.recent_actions):
        run = action.action
        if not isinstance(run, ScheduleActionExecutionStartWorkflow):
            continue
        handle = client.get_workflow_handle(
            run.workflow_id, run_id=run.first_execution_run_id, result_type=Swept
        )
        try:
            if (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED:
                swept: Swept = await handle.result()
                return swept
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
    return None


def _told(described: ScheduleDescription, last: Swept | None) -> dict[str, Any]:
    running = not described.schedule.state.paused
    upcoming = described.info.next_action_times
    at = upcoming[0].isoformat() if running and upcoming else None
    lines = [f"The sweep is on; it runs next at {at}." if running else "The sweep is off."]
    if last is not None:
        lines += ["The last pass:", told(last)]
    return {
        "on": running,
        "next": at,
        "last": last.model_dump(mode="json") if last else None,
        "text": "\n".join(lines),
    }
