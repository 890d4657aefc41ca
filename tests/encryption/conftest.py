"""A real Temporal dev server that keeps its data in a file, and one installation on it."""

import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from encryption import KEY_ID, KeyRing, data_converter
from tests.workflows.outside import Outside
from workflows import attributes, steps
from workflows.case import RecoveryInput, State, Status
from workflows.nouns import InvoiceId
from workflows.recovery import RecoverInvoice

NAMESPACE = "default"
BRISK = [
    *("--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000"),
    *("--dynamic-config-value", 'history.timerProcessorMaxTimeShift="20ms"'),
    # By default a workflow task that failed waits 10 s, and twice as long each time, up to 10 min.
    *("--dynamic-config-value", 'history.workflowTaskRetryMaxInterval="500ms"'),
    *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"),
]
RUNNER = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "workflows", "pydantic", "pydantic_core"
    )
)


def ring(*kids: str) -> KeyRing:
    """Keys by name, the first one active: the same name is always the same key."""
    return KeyRing({kid: KEYS.setdefault(kid, os.urandom(32)) for kid in kids})


KEYS: dict[str, bytes] = {}


def temporal() -> str:
    """The program, which came as a wheel into this environment."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    assert found, "temporal is not installed; run `make test`"
    return found


class Installation:
    """Clients and workers of one task queue; each may hold other keys."""

    def __init__(self, env: WorkflowEnvironment, database: Path) -> None:
        self.env = env
        self.database = database
        self.queue = f"dunning-{uuid.uuid4().hex[:6]}"

    @property
    def address(self) -> str:
        return self.env.client.service_client.config.target_host

    async def client(self, keys: KeyRing | None) -> Client:
        return await Client.connect(
            self.address, namespace=NAMESPACE, data_converter=data_converter(keys, NAMESPACE)
        )

    @asynccontextmanager
    async def workers(self, keys: KeyRing | None, outside: Outside) -> AsyncIterator[Client]:
        client = await self.client(keys)
        async with AsyncExitStack() as stack:
            for system in (None, *steps.QUEUES):
                worker = Worker(
                    client,
                    task_queue=steps.queue_name(self.queue, system),
                    workflows=[] if system else [RecoverInvoice],
                    activities=outside.activities(),
                    workflow_runner=RUNNER,
                    # A worker that left is waited for by default for 10 s.
                    sticky_queue_schedule_to_start_timeout=timedelta(milliseconds=500),
                )
                await stack.enter_async_context(worker)
            yield client

    async def start(self, client: Client, **extra: Any) -> "Case":
        invoice = InvoiceId(f"in_{uuid.uuid4().hex[:10]}")
        await client.start_workflow(
            "RecoverInvoice",
            RecoveryInput(invoice=invoice, **extra),
            id=f"dunning-{invoice}",
            task_queue=self.queue,
            # By default a second failure is noticed after 10 s: the SDK reports only the first.
            task_timeout=timedelta(seconds=1),
            static_summary=f"Failed invoice {invoice}",
        )
        return Case(client, f"dunning-{invoice}")


class Case:
    """One case, seen through the keys of one client."""

    def __init__(self, client: Client, workflow_id: str) -> None:
        self.workflow_id = workflow_id
        self.handle: WorkflowHandle[Any, str] = client.get_workflow_handle(
            workflow_id, result_type=str
        )

    def through(self, client: Client) -> "Case":
        return Case(client, self.workflow_id)

    async def status(self) -> Status:
        status: Status = await self.handle.query("status", result_type=Status)
        return status

    async def reaches(self, state: State) -> Status:
        while (status := await self.status()).state is not state:
            pass
        return status

    async def outcome(self) -> str:
        return await self.handle.result()

    async def history(self) -> list[HistoryEvent]:
        """As the server keeps it: nothing is decoded."""
        return list((await self.handle.fetch_history()).events)

    async def key_ids(self) -> set[str]:
        """Of every payload in the history, wherever it stands in an event."""
        return {
            payload.metadata[KEY_ID].decode()
            for event in await self.history()
            for payload in payloads_in(event)
            if KEY_ID in payload.metadata
        }


def payloads_in(message: Any) -> list[Payload]:
    """Every payload inside a protobuf message, at any depth."""
    if isinstance(message, Payload):
        return [message]
    found: list[Payload] = []
    for kind, value in message.ListFields():
        if kind.message_type is None:
            continue
        if kind.message_type.GetOptions().map_entry:
            children = [item for item in value.values() if hasattr(item, "ListFields")]
        else:
            children = list(value) if kind.is_repeated else [value]
        for child in children:
            found.extend(payloads_in(child))
    return found


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    database = tmp_path / "temporal.db"
    async with await WorkflowEnvironment.start_local(
        namespace=NAMESPACE,
        dev_server_existing_path=temporal(),
        dev_server_database_filename=str(database),
        dev_server_extra_args=BRISK,
        search_attributes=list(attributes.ALL),
    ) as env:
        yield Installation(env, database)
