"""How this side talks to Temporal: connect, start a case, tell a case something, ask how it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from encryption import data_converter
from settings import KeyRing
from workflows import attributes
from workflows.case import RecoveryInput, State, Status
from workflows.money import Money
from workflows.nouns import InvoiceId

RECOVER = "RecoverInvoice"
INVOICE = re.compile(r"in_[A-Za-z0-9_]{1,200}")
LARGEST_INT = 2**63 - 1
CONNECT = timedelta(seconds=5)
TELL = timedelta(seconds=4)  # a webhook must be answered in well under Stripe's patience


class UnreachableError(Exception):
    """Temporal cannot be reached. Says where it was looked for and what to try."""


class NoSuchCaseError(Exception):
    """There is no open case for this invoice."""


class RefusedError(Exception):
    """The case was asked and said no, in its own words."""


@dataclass(frozen=True)
class Hint:
    """What the message that starts a case says about it. Only for lists: the case reads afresh."""

    customer: str | None = None
    amount: int | None = None
    currency: str | None = None


class Told(Enum):
    STARTED_OR_TOLD = auto()
    CLOSED = auto()  # the case has ended; it stays ended


def case_id(invoice: str) -> str:
    return f"dunning-{invoice}"


def address() -> str:
    """Where Temporal is looked for, for messages to people."""
    return str(ClientConfig.load_client_connect_config().get("target_host", "localhost:7233"))


async def connect(keys: KeyRing | None = None, *, lazy: bool = False) -> Client:
    """A client as `temporalio.envconfig` describes it. `lazy` connects on first use instead."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "localhost:7233")
    try:
        sealing = data_converter(keys, config.setdefault("namespace", "default"))
        return await Client.connect(**config, data_converter=sealing, lazy=lazy)
    except (RuntimeError, OSError) as error:
        raise UnreachableError(
            f"Temporal does not answer at {config['target_host']}. Start it (`dunning up` starts "
            "one on this machine) or set TEMPORAL_ADDRESS."
        ) from error


@dataclass(frozen=True)
class Cases:
    """The cases of one installation: one workflow per invoice."""

    client: Client
    queue: str = "dunning"
    speed: float = 1.0

    async def failed(self, invoice: str, event: Mapping[str, str], hint: Hint) -> Told:
        """A payment failed: start the case or tell the open one. A closed one stays closed."""
        try:
            await self.client.start_workflow(
                RECOVER,
                RecoveryInput(invoice=InvoiceId(invoice), speed=self.speed),
                id=case_id(invoice),
                task_queue=self.queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                start_signal="stripe_event",
                start_signal_args=[dict(event)],
                search_attributes=_first_attributes(hint),
                static_summary=_summary(invoice, hint),
                rpc_timeout=TELL,
            )
        except WorkflowAlreadyStartedError:
            return Told.CLOSED
        return Told.STARTED_OR_TOLD

    async def tell(self, invoice: str, event: Mapping[str, str]) -> Told:
        """Something that may concern an open case happened; it will look for itself."""
        try:
            await self.handle(invoice).signal("stripe_event", dict(event), rpc_timeout=TELL)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return Told.CLOSED
            raise
        return Told.STARTED_OR_TOLD

    async def start(self, invoice: str, *, again: bool = False, lost: bool = False) -> bool:
        """By hand or by the sweep. False: the case exists already.

        `again` opens a new one after a closed one; `lost` goes on with an open one whose run ended.
        """
        reuse = (
            WorkflowIDReusePolicy.ALLOW_DUPLICATE
            if again or lost
            else WorkflowIDReusePolicy.REJECT_DUPLICATE
        )
        try:
            await self.client.start_workflow(
                RECOVER,
                RecoveryInput(invoice=InvoiceId(invoice), speed=self.speed, again=again),
                id=case_id(invoice),
                task_queue=self.queue,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=reuse,
                search_attributes=_first_attributes(Hint()),
                static_summary=_summary(invoice, Hint()),
            )
        except WorkflowAlreadyStartedError:
            return False
        except RPCError as error:
            raise plain_error(error, invoice) from error
        return True

    def handle(self, invoice: str) -> WorkflowHandle[Any, str]:
        return self.client.get_workflow_handle(case_id(invoice), result_type=str)

    async def status(self, invoice: str, *, patience: timedelta = timedelta(seconds=5)) -> Status:
        """What the case says of itself. Needs a running worker."""
        try:
            status: Status = await self.handle(invoice).query(
                "status", result_type=Status, rpc_timeout=patience
            )
            return status
        except RPCError as error:
            raise plain_error(error, invoice) from error
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            raise RefusedError(str(error)) from error

    async def decide(self, invoice: str, order: Mapping[str, Any]) -> Status:
        return await self._update(invoice, "decide", order)

    async def stop(self, invoice: str, order: Mapping[str, Any]) -> Status:
        return await self._update(invoice, "stop", order)

    async def snooze(self, invoice: str, order: Mapping[str, Any]) -> Status:
        try:
            await self.handle(invoice).signal("snooze", dict(order), rpc_timeout=CONNECT)
        except RPCError as error:
            raise plain_error(error, invoice) from error
        return await self.status(invoice)

    async def is_open(self, invoice: str) -> bool:
        return await self.first_run(invoice) is not None

    async def first_run(self, invoice: str) -> str | None:
        """The id of the run that is going on; of a reset one, its original's. None: none is."""
        try:
            run = await self.handle(invoice).describe(rpc_timeout=CONNECT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise plain_error(error, invoice) from error
        if run.status is not WorkflowExecutionStatus.RUNNING:
            return None
        return run.raw_description.workflow_execution_info.first_run_id or run.run_id

    async def running(self) -> frozenset[str]:
        """Invoices whose case is going on. The list may be some seconds behind."""
        query = f"WorkflowType = '{RECOVER}' AND ExecutionStatus = 'Running'"
        runs = self.client.list_workflows(query, page_size=1_000)
        return frozenset([run.id.removeprefix(case_id("")) async for run in runs])

    async def _update(self, invoice: str, name: str, order: Mapping[str, Any]) -> Status:
        try:
            status: Status = await self.handle(invoice).execute_update(
                name, dict(order), result_type=Status, rpc_timeout=timedelta(seconds=15)
            )
            return status
        except WorkflowUpdateFailedError as error:
            said = error.cause.message if isinstance(error.cause, ApplicationError) else str(error)
            raise RefusedError(said) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise UnreachableError(NO_WORKER) from error
        except RPCError as error:
            raise plain_error(error, invoice) from error


NO_WORKER = "The case did not answer in time: is `dunning worker` running on the same task queue?"


async def register_attributes(client: Client) -> list[str]:
    """Make our search attributes known to this namespace; answers the names that were new."""
    service, namespace = client.operator_service, client.namespace
    known = await service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    missing = [key for key in attributes.ALL if key.name not in known.custom_attributes]
    if missing:
        kinds = {key.name: key.indexed_value_type.value for key in missing}
        await service.add_search_attributes(
            AddSearchAttributesRequest(namespace=namespace, search_attributes=kinds)  # type: ignore[arg-type]
        )
    return [key.name for key in missing]


def plain_error(error: RPCError, invoice: str) -> Exception:
    """A person's words for what Temporal's answer means."""
    if error.status == RPCStatusCode.NOT_FOUND:
        return NoSuchCaseError(
            f"There is no open case for {invoice}. `dunning status` lists the cases; "
            f"`dunning start {invoice}` opens one."
        )
    if error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
        return UnreachableError(NO_WORKER)
    return UnreachableError(
        f"Temporal does not answer at {address()} ({error.status.name.lower()}). "
        "Is it running, and is TEMPORAL_ADDRESS right?"
    )


def _first_attributes(hint: Hint) -> TypedSearchAttributes:
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(attributes.STATE, State.GATHERING.value)
    ]
    if hint.customer:
        pairs.append(SearchAttributePair(attributes.CUSTOMER, hint.customer))
    if hint.amount is not None:
        pairs.append(SearchAttributePair(attributes.AMOUNT_DUE, hint.amount))
    return TypedSearchAttributes(pairs)


def _summary(invoice: str, hint: Hint) -> str:
    """The line a finance person sees in the Web UI's list. No personal data: ids and money only."""
    if hint.amount is None or hint.currency is None:
        return f"Failed invoice {invoice}"
    return f"{Money(amount=hint.amount, currency=hint.currency).plain} · failed invoice {invoice}"


def attribute_list() -> list[str]:
    """`DunningState (Keyword)`, …: for people who must create them by hand."""
    return [f"{key.name} ({key.indexed_value_type.name.title()})" for key in attributes.ALL]
