"""The one place where everything is wired: settings become clients, clients become activities.

Each outside system has its own task queue, so that one slow vendor holds up nobody else, and a
process may serve some queues only (`dunning worker --queues stripe,agent`): then it needs, and
holds, only those systems' secrets.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import asyncpg
import structlog
from stripe import StripeClient
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import logs
import settings
from activities import database, stripe
from activities import sweep as sweeping
from activities.bookkeeping import BookkeepingActivities
from activities.circuit import Circuit
from activities.decide import Deciding
from activities.heartbeat import Heartbeats
from activities.ledger import Ledger
from activities.letters import LetterActivities
from activities.links import Links
from activities.playbook import Current
from activities.postgres import BillingActivities
from activities.promises import MailPromises, Promises
from activities.records import Records
from activities.stripe import StripeActivities
from starter.temporal import Cases, UnreachableError, connect
from workflows import steps
from workflows.case import Action
from workflows.recovery import RecoverInvoice
from workflows.sweep import SweepOpenInvoices

# Vendors' own limits, with room to spare for whoever else uses the same account; a step makes one
# to nine calls. Stripe: 25/s per endpoint (docs.stripe.com/rate-limits). HubSpot: 100 calls in 10 s
# at the lowest tier. Graph: four requests at once per mailbox.
PER_SECOND = {"stripe": 12.0, "hubspot": 5.0, "graph": 4.0, "agent": 5.0}
AT_ONCE = {"stripe": 40, "hubspot": 8, "graph": 4, "agent": 8}
CACHED_CASES = 1_000  # cases that are awake; one that sleeps costs about 70 KiB (measured)
GRACE = timedelta(seconds=25)  # longer than a vendor's answer takes: no stop before the record
PATIENCE = timedelta(seconds=30)
NOT_UP_YET = (OSError, TimeoutError, asyncpg.CannotConnectNowError, UnreachableError)

log = structlog.get_logger(__name__)

OURS = "cases"  # the base queue: the workflows themselves, and our own tables
ALL_QUEUES = (OURS, *steps.QUEUES)

Activities = list[Callable[..., Any]]
Opened = TypeVar("Opened")


def workflow_runner() -> SandboxedWorkflowRunner:
    """Temporal's workflow sandbox, kept on; our own pure modules pass through it."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "workflows", "pydantic", "pydantic_core"
        )
    )


async def run(queues: Sequence[str] | None = None) -> None:
    """Serve these queues (all by default) until told to stop; then finish what is under way."""
    wanted = tuple(queues) if queues else ALL_QUEUES
    logs.configure("worker")
    Runtime.set_default(Runtime(telemetry=logs.telemetry()))
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        base = settings.load(settings.RecordsSettings)
        client = await patiently("temporal", lambda: connect(base.dunning_payload_keys))
        workers = await build(client, wanted, stack)
        for worker in workers:
            await stack.enter_async_context(worker)
        stack.push_async_callback(_stop_together, workers)
        log.info("worker ready", queues=[worker.task_queue for worker in workers])
        await stop.wait()


async def patiently(system: str, connect: Callable[[], Awaitable[Opened]]) -> Opened:
    """After a power cut everything starts at once: what is not up yet is asked for a while."""
    give_up = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            return await connect()
        except NOT_UP_YET:
            if time.monotonic() > give_up:
                raise
            log.warning("not up yet; we try again", system=system)
        await asyncio.sleep(1)


async def _stop_together(workers: Sequence[Worker]) -> None:
    """One grace for all of them, not one after the other."""
    await asyncio.gather(*(worker.shutdown() for worker in workers))


async def build(client: Client, queues: Iterable[str], stack: AsyncExitStack) -> list[Worker]:
    """A worker per queue, its clients open for as long as the stack lives."""
    parts = await Parts.opened(stack)
    makers = {
        OURS: parts.ours,
        "stripe": parts.stripe,
        "hubspot": parts.hubspot,
        "graph": parts.graph,
        "agent": parts.agent,
    }
    return [
        _worker(client, parts.queue, queue, await makers[queue](client, stack)) for queue in queues
    ]


def _worker(client: Client, base: str, queue: str, activities: Activities) -> Worker:
    return Worker(
        client,
        task_queue=steps.queue_name(base, None if queue == OURS else queue),
        workflows=[RecoverInvoice, SweepOpenInvoices] if queue == OURS else [],
        activities=activities,
        workflow_runner=workflow_runner(),
        max_cached_workflows=CACHED_CASES,
        max_concurrent_activities=AT_ONCE.get(queue, 100),
        max_task_queue_activities_per_second=PER_SECOND.get(queue),
        graceful_shutdown_timeout=GRACE,
        interceptors=[Heartbeats(), Circuit(queue)],
        max_heartbeat_throttle_interval=steps.SILENT_FOR / 4,
    )


@dataclass(frozen=True)
class Parts:
    """What several queues share, and how each queue's activities are made from it."""

    queue: str
    records: Records
    ledger: Ledger
    live: bool

    @classmethod
    async def opened(cls, stack: AsyncExitStack) -> "Parts":
        config = settings.load(settings.RecordsSettings)
        dsn = config.database_url.get_secret_value()
        pool = await stack.enter_async_context(
            await patiently("postgres", lambda: database.connect(dsn, application="dunning"))
        )
        return cls(
            queue=config.temporal_task_queue,
            records=Records(pool),
            ledger=Ledger(pool),
            live=not os.environ.get("STRIPE_API_KEY", "live").startswith(("sk_test_", "rk_test_")),
        )

    def playbook(self) -> Current:
        config = settings.load(settings.AgentSettings)
        return Current(
            config.dunning_playbook,
            decide=config.dunning_decide_model or "",
            draft=config.dunning_draft_model or "",
            api_base=config.dunning_model_api_base or "",
        )

    async def ours(self, client: Client, stack: AsyncExitStack) -> Activities:
        billing = settings.load(settings.BillingSettings)
        pool = await stack.enter_async_context(
            await database.connect(
                billing.billing_url.get_secret_value(),
                application="dunning billing.sql",
                read_only=True,
            )
        )
        case = BookkeepingActivities(self.records, self.playbook())
        deciding = Deciding(self.records, live=self.live)
        letters = LetterActivities(self.records, _links(), sender=_sender(), live=self.live)
        return [
            case.open_case,
            case.record,
            case.close_case,
            deciding.weigh_evidence,
            deciding.conclude,
            deciding.look_up,
            letters.write_letter_from_template,
            BillingActivities(pool, self.records).gather_billing,
            sweeping.CatchingUp(self._runs(client), self.records).catch_up,
        ]

    def _runs(self, client: Client) -> Cases:
        return Cases(client, self.queue, settings.load(settings.StripeSettings).dunning_clock_speed)

    def _read_back(self, purposes: tuple[str, ...], read_back: sweeping.ReadBack) -> dict[str, Any]:
        return {
            "records": self.records,
            "ledger": self.ledger,
            "purposes": purposes,
            "read_back": read_back,
        }

    async def stripe(self, client: Client, stack: AsyncExitStack) -> Activities:
        api = self._stripe_api(stack)
        stripe = self._stripe(api)
        runs = self._runs(client)
        search = sweeping.Searching(api, self.records, runs, self.playbook())
        charges = sweeping.ReconcilingCharges(
            **self._read_back(("pay", "own", "announce", "hand_back"), stripe.read_back)
        )
        return [
            search.find_missed_invoices,
            charges.reconcile_charges,
            Promises(self.records.pool, api, runs).check_promises,
            stripe.recheck_invoice,
            stripe.gather_stripe,
            stripe.take_ownership,
            stripe.announce_retry,
            stripe.hand_back,
            stripe.pay_invoice,
        ]

    def _stripe_api(self, stack: AsyncExitStack) -> StripeClient:
        config = settings.load(settings.StripeSettings)
        api = stripe.connect(config.stripe_api_key.get_secret_value(), config.stripe_api_base)
        stack.push_async_callback(stripe.disconnect, api)
        return api

    def _stripe(self, api: StripeClient) -> StripeActivities:
        return StripeActivities(
            api,
            self.records,
            self.ledger,
            live=settings.load(settings.StripeSettings).live,
            settle_seconds=_settle_seconds(),
        )

    async def hubspot(self, client: Client, stack: AsyncExitStack) -> Activities:
        from activities import hubspot

        config = settings.load(settings.HubspotSettings)
        crm = hubspot.HubspotActivities(
            hubspot.connect(
                config.hubspot_access_token.get_secret_value(), config.hubspot_api_base
            ),
            self.records,
            self.ledger,
        )
        notes = sweeping.ReconcilingNotes(**self._read_back(("note:",), crm.read_back))
        return [crm.gather_crm, crm.write_note, notes.reconcile_notes]

    async def graph(self, client: Client, stack: AsyncExitStack) -> Activities:
        from activities import mailbox
        from activities.outlook import OutlookActivities

        config = settings.load(settings.GraphSettings)
        token = config.graph_access_token
        box = await stack.enter_async_context(
            mailbox.connect(
                config.outlook_sender,
                api_base=config.graph_api_base,
                access_token=token.get_secret_value() if token else None,
                environment=os.environ,
            )
        )
        outlook = OutlookActivities(
            box,
            self.records,
            self.ledger,
            objection_from(self._stripe(self._stripe_api(stack))),
            live=self.live,
            settle=timedelta(seconds=_settle_seconds()),
        )
        mails = sweeping.ReconcilingMails(**self._read_back(("mail:",), outlook.read_back))
        promises = MailPromises(self.records.pool, outlook)
        return [outlook.send_letter, mails.reconcile_mails, promises.check_mails]

    async def agent(self, client: Client, stack: AsyncExitStack) -> Activities:
        from activities.agent import AgentActivities

        agent = AgentActivities(self.records, _links(), live=self.live, sender=_sender())
        chosen = self.playbook()().agent
        if chosen.decide.model or chosen.draft.model:
            await asyncio.to_thread(agent.warm)
        return [agent.propose, agent.write_letter_with_model]


def objection_from(stripe: StripeActivities) -> Callable[[steps.Send], Awaitable[str | None]]:
    """The last word before a mail leaves: is there still something to write about?"""

    async def objection(order: steps.Send) -> str | None:
        about = Action.SEND_UPDATE_LINK if order.kind is steps.LetterKind.UPDATE_LINK else None
        now = await stripe.recheck_invoice(steps.Recheck(ref=order.ref, about=about))
        if now.ending:
            return now.ending.text
        return None if now.permitted or now.not_before else now.objection

    return objection


def _links() -> Links | None:
    config = settings.load(settings.LinkSettings)
    if not (config.dunning_link_keys and config.dunning_public_url):
        return None
    return Links(config.dunning_link_keys.keys, config.dunning_public_url)


def _sender() -> str:
    """For a letter's own word on who gets it; only the graph queue sends, and insists on it."""
    return os.environ.get("OUTLOOK_SENDER", "")


def _settle_seconds() -> float:
    return settings.load(settings.SettleSettings).dunning_settle_seconds
