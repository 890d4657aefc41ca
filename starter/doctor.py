"""`dunning doctor`: one harmless call to each system, and what to do about what is missing."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.playbook import PlaybookError
from activities.playbook import load as read_playbook
from settings import (
    BillingSettings,
    GraphSettings,
    HubspotSettings,
    LinkSettings,
    RecordsSettings,
    Settings,
    SettingsError,
    StripeSettings,
    WebSettings,
    load,
)
from starter import desk, temporal
from starter.errors import UserError
from workflows import attributes, steps
from workflows.nouns import Noun

PATIENCE = 20.0  # seconds for one system


class Health(StrEnum):
    GOOD = "good"
    NOTE = "note"  # works, but you may want to know
    BAD = "bad"


class Finding(Noun):
    """One line of the table."""

    system: str
    health: Health
    text: str

    @property
    def bad(self) -> bool:
        return self.health is Health.BAD


Examination = Callable[[], Awaitable[list[Finding]]]


async def examine() -> list[Finding]:
    """Every system at once; the answers in a fixed order."""
    answers = await asyncio.gather(*(_patiently(name, look) for name, look in SYSTEMS.items()))
    return [finding for answer in answers for finding in answer]


async def _patiently(system: str, look: Examination) -> list[Finding]:
    """An examination that fails is itself a finding."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await look()
    except SettingsError as lacking:
        return [_bad(system, f"{name} {text}") for name, text in lacking.problems.items()]
    except PlaybookError as error:
        return [_bad(system, str(flaw)) for flaw in error.flaws]
    except ApplicationError as error:
        return [_bad(system, error.message)]
    except TimeoutError:
        return [_bad(system, f"No answer within {PATIENCE:.0f} s. Is the address right?")]
    except (UserError, temporal.UnreachableError) as error:
        return [_bad(system, str(error))]
    except Exception as error:
        return [_bad(system, f"The check itself failed ({type(error).__name__}: {error}).")]


def _good(system: str, text: str) -> Finding:
    return Finding(system=system, health=Health.GOOD, text=text)


def _note(system: str, text: str) -> Finding:
    return Finding(system=system, health=Health.NOTE, text=text)


def _bad(system: str, text: str) -> Finding:
    return Finding(system=system, health=Health.BAD, text=text)


# ── ours ────────────────────────────────────────────────────────────────────────────────


async def _playbook() -> list[Finding]:
    folder = load(Settings).dunning_playbook
    playbook = await asyncio.to_thread(read_playbook, folder)
    found = [_good("playbook", f"{folder} is complete: version {playbook.hash[:12]}.")]
    if not playbook.handoff.fallback_owner:
        found.append(
            _note(
                "playbook",
                "handoff.fallback_owner is empty: mails about accounts without an owner in "
                "the CRM go to the sending mailbox itself. Name a colleague in playbook.toml.",
            )
        )
    return found


async def _postgres() -> list[Finding]:
    from activities.migrations import unapplied

    dsn = load(RecordsSettings).database_url.get_secret_value()
    with desk.plainly(dsn):
        missing = await unapplied(dsn)
    if missing:
        return [_bad("postgres", f"{len(missing)} migrations are missing. Run `dunning migrate`.")]
    return [_good("postgres", "Our tables are there and up to date.")]


async def _billing() -> list[Finding]:
    from activities import database, postgres

    settings = load(BillingSettings)
    sql = (await asyncio.to_thread(read_playbook, settings.dunning_playbook)).billing_sql
    dsn = settings.billing_url.get_secret_value()
    with desk.plainly(dsn):
        pool = await database.connect(dsn, size=1, application="dunning doctor", read_only=True)
        try:
            problems, notes = await postgres.check(pool, sql)
        finally:
            await pool.close()
    found = [_bad("billing", f"playbook/billing.sql: {problem}") for problem in problems]
    found += [_note("billing", f"playbook/billing.sql: {note}") for note in notes]
    return found or [_good("billing", "playbook/billing.sql fits your billing data.")]


async def _web() -> list[Finding]:
    load(WebSettings)
    return [_good("webhook", "Everything `dunning serve` needs is set.")]


async def _links() -> list[Finding]:
    settings = load(LinkSettings)
    if settings.dunning_link_keys and settings.dunning_public_url:
        return [_good("links", f"Customers are sent to {settings.dunning_public_url}/pay/….")]
    return [
        _note(
            "links",
            "DUNNING_LINK_KEYS or DUNNING_PUBLIC_URL is not set: no link is sent to customers, "
            "their cases go to a colleague instead.",
        )
    ]


# ── Temporal ────────────────────────────────────────────────────────────────────────────


async def _temporal() -> list[Finding]:
    settings = load(Settings)
    client = await temporal.connect(settings.dunning_payload_keys)
    found = await _attributes(client)
    idle = [
        queue
        for queue in (None, *steps.QUEUES)
        if not await _polled(client, steps.queue_name(settings.temporal_task_queue, queue))
    ]
    if len(idle) == len(steps.QUEUES) + 1:
        found.append(_note("temporal", "No worker is running. Start `dunning worker`."))
    elif idle:
        names = ", ".join(queue or "cases" for queue in idle)
        found.append(_bad("temporal", f"No worker serves: {names}. See `dunning worker --queues`."))
    return found


async def _attributes(client: Client) -> list[Finding]:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = [key.name for key in attributes.ALL if key.name not in known.custom_attributes]
    if missing:
        names = ", ".join(missing)
        return [_bad("temporal", f"Search attributes are missing: {names}. Run `dunning migrate`.")]
    return [_good("temporal", f"{temporal.address()} answers, namespace {client.namespace}.")]


async def _polled(client: Client, queue: str) -> bool:
    kind = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    try:
        described = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
            )
        )
    except RPCError:
        return False
    return bool(described.pollers)


# ── the vendors ─────────────────────────────────────────────────────────────────────────

NOBODY = "doctor_does_not_exist"

# What we ask of Stripe, and the permission of a restricted key that allows it. The last one would
# write, to an invoice that does not exist: a permitted key hears 404, another one 403.
STRIPE_ASKS: Sequence[tuple[str, Callable[[Any], Awaitable[Any]]]] = (
    ("Invoices: read", lambda v1: v1.invoices.list_async({"limit": 1})),
    ("Charges: read", lambda v1: v1.charges.list_async({"limit": 1})),
    ("Customers: read", lambda v1: v1.customers.list_async({"limit": 1})),
    ("Subscriptions: read", lambda v1: v1.subscriptions.list_async({"limit": 1})),
    ("Payment intents: read", lambda v1: v1.payment_intents.list_async({"limit": 1})),
    ("Disputes: read", lambda v1: v1.disputes.list_async({"limit": 1})),
    ("Events: read", lambda v1: v1.events.list_async({"limit": 1})),
    ("Payment methods: read", lambda v1: v1.payment_methods.retrieve_async(f"pm_{NOBODY}")),
    (
        "Invoices: write",
        lambda v1: v1.invoices.update_async(
            f"in_{NOBODY}", {"metadata": {}}, {"idempotency_key": "dunning-doctor"}
        ),
    ),
)


async def _stripe() -> list[Finding]:
    from activities import stripe_api

    settings = load(StripeSettings)
    client = stripe_api.connect(
        settings.stripe_api_key.get_secret_value(), settings.stripe_api_base
    )
    try:
        asked = await asyncio.gather(*(_ask_stripe(client.v1, *ask) for ask in STRIPE_ASKS))
    finally:
        await stripe_api.disconnect(client)
    problems = list(dict.fromkeys(problem for problem in asked if problem))
    if problems:
        return [_bad("stripe", problem) for problem in problems]
    mode = "live" if settings.live else "test"
    return [_good("stripe", f"The key works in {mode} mode and may do what we need.")]


async def _ask_stripe(v1: Any, permission: str, ask: Callable[[Any], Awaitable[Any]]) -> str | None:
    import stripe

    try:
        await ask(v1)
    except stripe.AuthenticationError:
        return "Stripe does not know this key. Copy STRIPE_API_KEY again."
    except stripe.PermissionError as error:
        named = re.search(r"rak_\w+", str(error))
        also = f" ({named[0]})" if named else ""
        return f"The restricted key lacks the permission {permission}{also}. Add it in Stripe."
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            return None  # permitted, and nothing there: as it should be
        return f"Stripe does not accept a harmless request ({permission}): {error.code}."
    except stripe.StripeError as error:
        return f"Stripe could not be asked ({type(error).__name__}). Check STRIPE_API_BASE."
    return None


async def _hubspot() -> list[Finding]:
    from activities.ledger import Ledger
    from activities.records import Records
    from starter import vendors

    settings = load(HubspotSettings)
    nothing: Any = None  # its check reads HubSpot only
    problem = await vendors.hubspot(settings, Records(nothing), Ledger(nothing)).check()
    if problem is None:
        return [_good("hubspot", "The token works; notes have their unique property.")]
    return [_note("hubspot", problem) if "dunning migrate" in problem else _bad("hubspot", problem)]


async def _outlook() -> list[Finding]:
    from activities import mailbox

    settings = load(GraphSettings)
    token = settings.graph_access_token
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(
            mailbox.connect(
                settings.outlook_sender,
                api_base=settings.graph_api_base,
                access_token=token.get_secret_value() if token else None,
                environment=os.environ,
            )
        )
        await box.check()
    return [_good("outlook", f"{settings.outlook_sender} can be read and written to.")]


async def _model() -> list[Finding]:
    names = [os.environ.get(f"DUNNING_{kind}_MODEL", "") for kind in ("DECIDE", "DRAFT")]
    agent = (await asyncio.to_thread(read_playbook, load(Settings).dunning_playbook)).agent
    chosen = {names[0] or agent.decide.model, names[1] or agent.draft.model} - {""}
    if not chosen:
        return [_note("model", "None is configured: rules decide and templates write.")]
    return [_good("model", f"{', '.join(sorted(chosen))} (not called by this check).")]


SYSTEMS: dict[str, Examination] = {
    "playbook": _playbook,
    "postgres": _postgres,
    "billing": _billing,
    "temporal": _temporal,
    "stripe": _stripe,
    "hubspot": _hubspot,
    "outlook": _outlook,
    "webhook": _web,
    "links": _links,
    "model": _model,
}

MARKS = {Health.GOOD: "[green]ok[/green]", Health.NOTE: "[yellow]note[/yellow]"}
MARKS[Health.BAD] = "[bold red]fix[/bold red]"


def show(console: Console, findings: Sequence[Finding]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        table.add_row(MARKS[finding.health], finding.system, escape(finding.text))
    console.print(table)
    bad = sum(finding.bad for finding in findings)
    if bad:
        console.print(f"\n{bad} thing{'s' if bad > 1 else ''} to fix.")
    else:
        console.print("\nReady. Next: `dunning start in_… --dry-run` with a failed invoice.")
