"""A case is reset in Temporal, at each of its workflow tasks in turn: nothing is done again.

The reset run is a new run: its ids and random values differ. The world is scripted, but remembers
effects by the keys of the ledger (invoice, purpose, ordinal), and answers a repeat as the ledger
does.
"""

import os
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from activities import hubspot, outlook
from tests.workflows.conftest import sandbox_runner
from tests.workflows.outside import VOID, Outside, Plan, escalate, link, retry
from workflows import steps
from workflows.case import RecoveryInput
from workflows.nouns import InvoiceId
from workflows.recovery import RecoverInvoice
from workflows.steps import PayKind

pytestmark = pytest.mark.system
EVERY = 1 if os.environ.get("PROOF") else 5  # PROOF=full resets at every boundary
SPEED = 1e7  # a waited day takes nine milliseconds


class KeyedOutside(Outside):
    """Remembers what was done by its key; a repeat gets the first answer, and does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()
        self.done: dict[str, Any] = {}
        self.kept: dict[tuple[int, int], Any] = {}

    def once(self, key: str, act: Callable[[], Any]) -> Any:
        self.asked[key] += 1
        if key not in self.done:
            self.done[key] = act()
        return self.done[key]

    def conclude(self, order: steps.Conclude) -> steps.Concluded:
        """As our records do: one decision for a round and step."""
        place = (order.ref.round, order.step)
        if place not in self.kept:
            self.kept[place] = super().conclude(order)
        concluded: steps.Concluded = self.kept[place]
        return concluded

    def pay_invoice(self, order: steps.Pay) -> steps.PayResult:
        result: steps.PayResult = self.once(
            f"pay {order.ordinal}", lambda: super(KeyedOutside, self).pay_invoice(order)
        )
        return result

    def send_letter(self, order: steps.Send) -> steps.SendResult:
        result: steps.SendResult = self.once(
            str(outlook.effect_of(order)),
            lambda: super(KeyedOutside, self).send_letter(order),
        )
        return result

    def write_note(self, order: steps.WriteNote) -> steps.NoteWritten:
        result: steps.NoteWritten = self.once(
            str(hubspot.effect_of(order)),
            lambda: super(KeyedOutside, self).write_note(order),
        )
        return result


def world(*plans: Plan, bank: tuple[PayKind, ...] = (PayKind.PAID,), **more: object):
    def build() -> KeyedOutside:
        outside = KeyedOutside()
        outside.plans, outside.bank = list(plans), list(bank)
        for name, value in more.items():
            setattr(outside, name, value)
        return outside

    return build


NO, YES = PayKind.DECLINED, PayKind.PAID
LARGE = "APPR_AMOUNT"
CASES = {
    "paid at the first retry": world(retry(2)),
    "paid at the second retry": world(retry(2), retry(4), bank=(NO, YES)),
    "paid at the third retry": world(retry(2), retry(3), retry(4), bank=(NO, NO, YES)),
    "a link, then nobody": world(link(), escalate()),
    "a link held for working hours": world(link(1), escalate()),
    "handed over, nobody answers": world(escalate()),
    "an approval that nobody gives": world(retry(2, approval=LARGE)),
    "a retry, then a link, then a person": world(retry(2), link(), escalate(), bank=(NO,)),
    "the bank wants the customer": world(
        retry(2), link(), escalate(), bank=(PayKind.REQUIRES_ACTION,)
    ),
    "void from the start": world(ending=VOID),
}


class Ground:
    """Where cases are played and reset."""

    def __init__(self, client: Client, stack: AsyncExitStack) -> None:
        self.client, self.stack = client, stack

    async def play(self, outside: Outside) -> WorkflowHandle[Any, str]:
        queue = f"reset-{uuid.uuid4().hex[:8]}"
        for system in (None, "stripe", "hubspot", "graph", "agent"):
            await self.stack.enter_async_context(
                Worker(
                    self.client,
                    task_queue=steps.queue_name(queue, system),
                    workflows=[] if system else [RecoverInvoice],
                    activities=outside.activities(),
                    workflow_runner=sandbox_runner(),
                )
            )
        invoice = InvoiceId(f"in_{uuid.uuid4().hex[:10]}")
        handle = await self.client.start_workflow(
            "RecoverInvoice",
            RecoveryInput(invoice=invoice, speed=SPEED),
            id=f"dunning-{invoice}",
            task_queue=queue,
            result_type=str,
        )
        await handle.result(rpc_timeout=timedelta(seconds=60))
        return handle

    async def boundaries(self, handle: WorkflowHandle[Any, str]) -> list[int]:
        """The events at which Temporal lets a run be reset: its completed workflow tasks."""
        history = await handle.fetch_history()
        completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        return [event.event_id for event in history.events if event.event_type == completed]

    async def reset(self, handle: WorkflowHandle[Any, str], event: int) -> str:
        run = (await handle.describe()).run_id
        answer = await self.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=run),
                reason="a test",
                workflow_task_finish_event_id=event,
                request_id=str(uuid.uuid4()),
            )
        )
        again = self.client.get_workflow_handle(handle.id, run_id=answer.run_id, result_type=str)
        return await again.result(rpc_timeout=timedelta(seconds=60))


@pytest.fixture
async def ground(temporal_address: str) -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:
        client = await Client.connect(temporal_address, data_converter=pydantic_data_converter)
        yield Ground(client, stack)


@pytest.mark.parametrize("name", CASES)
async def test_a_reset_at_any_workflow_task_does_nothing_new(ground: Ground, name: str) -> None:
    outside = CASES[name]()
    handle = await ground.play(outside)
    original = handle.first_execution_run_id
    done, asked = set(outside.done), outside.asked.total()

    for event in (await ground.boundaries(handle))[::EVERY]:
        first = ground.client.get_workflow_handle(handle.id, run_id=original, result_type=str)
        await ground.reset(first, event)

    assert set(outside.done) == done
    assert len(outside.charges) + len(outside.mails) + len(outside.notes) == len(done)
    assert not done or outside.asked.total() > asked  # the resets did ask again
