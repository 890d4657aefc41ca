"""Starting and telling cases, against a real Temporal server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from encryption import data_converter
from starter import local
from starter.temporal import Cases, Hint, Told, register_attributes
from workflows import attributes

pytestmark = pytest.mark.system

EVENT = {"event_id": "evt_1", "type": "invoice.payment_failed"}


@workflow.defn(name="RecoverInvoice")
class Listener:
    """Stands in for the real story: remembers what it was started with and told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, start: dict[str, object]) -> str:
        await workflow.wait_condition(lambda: "evt_end" in self.heard)
        return f"{start['invoice']} at {start['speed']}: {' '.join(self.heard)}"

    @workflow.signal
    def stripe_event(self, said: dict[str, str]) -> None:
        self.heard.append(said["event_id"])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[local.TemporalServer]:
    family = local.Family(tmp_path)
    async with family.stack:
        yield await local.start_temporal(family, port=local.free_port(), ui_port=local.free_port())


@pytest.fixture
async def cases(server: local.TemporalServer) -> AsyncIterator[Cases]:
    client = await Client.connect(server.address, data_converter=data_converter(None))
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue="q", workflows=[Listener], workflow_runner=runner):
        yield Cases(client, "q", speed=7)


async def test_one_invoice_is_one_case_however_often_we_hear_of_it(cases: Cases) -> None:
    hint = Hint("cus_1", 1250, "eur")
    for number in (1, 2, 2):
        told = await cases.failed("in_1", {**EVENT, "event_id": f"evt_{number}"}, hint)
        assert told is Told.STARTED_OR_TOLD
    assert await cases.tell("in_1", {**EVENT, "event_id": "evt_end"}) is Told.STARTED_OR_TOLD

    result = await _result(cases)

    assert result == "in_1 at 7.0: evt_1 evt_2 evt_2 evt_end"


async def test_a_closed_case_stays_closed_until_it_is_opened_on_purpose(cases: Cases) -> None:
    await cases.failed("in_1", {**EVENT, "event_id": "evt_end"}, Hint())
    await _result(cases)

    assert await cases.failed("in_1", EVENT, Hint()) is Told.CLOSED
    assert await cases.tell("in_1", EVENT) is Told.CLOSED
    assert not await cases.start("in_1")
    assert not await cases.is_open("in_1")

    assert await cases.start("in_1", again=True)
    assert await cases.is_open("in_1")
    assert not await cases.start("in_1", again=True)


async def test_lists_show_a_case_from_its_first_moment(cases: Cases) -> None:
    await cases.failed("in_1", EVENT, Hint("cus_1", 1250, "eur"))

    run = await cases.handle("in_1").describe()

    assert run.status is WorkflowExecutionStatus.RUNNING
    assert run.typed_search_attributes[attributes.STATE] == "gathering"
    assert run.typed_search_attributes[attributes.CUSTOMER] == "cus_1"
    assert run.typed_search_attributes[attributes.AMOUNT_DUE] == 1250
    assert await run.static_summary() == "12.50 EUR · failed invoice in_1"


async def test_the_search_attributes_are_registered_once(server: local.TemporalServer) -> None:
    assert await register_attributes(await Client.connect(server.address)) == []


async def _result(cases: Cases) -> str:
    return await asyncio.wait_for(cases.handle("in_1").result(), 30)
