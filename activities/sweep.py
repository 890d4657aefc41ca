"""What the sweep does: finds invoices and runs that nobody told us about, and catches up.

Everything is safe to do twice: a case has one id, and an event for a case that knows it already
changes nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import stripe
from temporalio import activity

from activities.database import Json
from activities.ledger import Effect, Ledger
from activities.records import CaseRow, Records
from activities.stripe_api import asking
from workflows import steps
from workflows.nouns import InvoiceId, iso
from workflows.playbook import Playbook
from workflows.steps import Found, Sweeping, Swept

UNCLEAR_FOR = timedelta(minutes=30)
SETTLES_ITSELF = timedelta(minutes=5)  # a case this young is still reading for the first time
A_PAGE = 100  # Stripe's most
MOST_PAGES = 50  # of open invoices, newest first
MOST_READS = 100  # single invoices, when those pages did not hold them all
MOST_LISTED = 200  # invoices named in a result; it is kept in Temporal's history


class Runs(Protocol):
    """The runs of our cases in Temporal (`starter.temporal.Cases`)."""

    async def start(self, invoice: str, *, again: bool = False, lost: bool = False) -> bool: ...

    async def tell(self, invoice: str, event: dict[str, str]) -> object: ...

    async def running(self) -> frozenset[str]:
        """Invoices whose run is going on. May be some seconds old."""

    async def is_open(self, invoice: str) -> bool: ...

    async def first_run(self, invoice: str) -> str | None:
        """The id of the run going on, a reset one's original; None when none is."""


@dataclass(frozen=True)
class Listing:
    """Stripe's open, automatically collected invoices; `complete`: all of them."""

    invoices: dict[str, Json]
    complete: bool


async def open_invoices(client: stripe.StripeClient) -> Listing:
    """Newest first. Beyond `MOST_PAGES` the oldest are left out."""
    found: dict[str, Json] = {}
    for _ in range(MOST_PAGES):
        params: stripe.params.InvoiceListParams = {
            "status": "open",
            "collection_method": "charge_automatically",
            "limit": A_PAGE,
        }
        if found:
            params["starting_after"] = next(reversed(found))
        with asking("the open invoices"):
            page = await client.v1.invoices.list_async(params)
        found |= {invoice.id: invoice.to_dict() for invoice in page.data if invoice.id}
        if not page.has_more or not page.data:
            return Listing(found, complete=True)
    return Listing(found, complete=False)


async def is_open_at_stripe(client: stripe.StripeClient, invoice: str) -> bool:
    with asking(invoice):
        try:
            return (await client.v1.invoices.retrieve_async(invoice)).status == "open"
        except stripe.InvalidRequestError as error:
            if error.http_status == 404:
                return False
            raise


async def without_a_run(runs: Runs, cases: Iterable[CaseRow]) -> list[CaseRow]:
    """Open cases that no run works on. The list of runs may lag, so each is asked for again."""
    running = await runs.running()
    absent = [case for case in cases if case.invoice not in running]
    return [case for case in absent if not await runs.is_open(case.invoice)]


class Searching:
    """The reading half of the sweep: Stripe's open invoices against our cases."""

    def __init__(
        self,
        client: stripe.StripeClient,
        records: Records,
        runs: Runs,
        current: Callable[[], Playbook],
    ) -> None:
        self._client = client
        self._records = records
        self._runs = runs
        self._current = current

    @activity.defn(name=steps.FIND_MISSED.name)
    async def find_missed_invoices(self, order: Sweeping) -> Found:
        listing = await open_invoices(self._client)
        cases = await self._records.cases()
        missing, left = await self._without_a_case(listing, order.at)
        return Found(
            at=order.at,
            missing=tuple(missing),
            left=tuple(left[:MOST_LISTED]),
            left_count=len(left),
            lost=tuple([case.invoice for case in await without_a_run(self._runs, cases)]),
            moved=tuple([id async for id in self._moved(cases, listing, order.at)]),
            reset=tuple(await self._reset(cases, order.at)),
        )

    async def _without_a_case(
        self, listing: Listing, now: datetime
    ) -> tuple[list[InvoiceId], list[InvoiceId]]:
        """What this pass starts, newest first, and what it only lists."""
        rules = self._current().sweep
        due = [
            InvoiceId(id)
            for id, invoice in listing.invoices.items()
            if is_due(invoice) and now - due_since(invoice) >= timedelta(hours=rules.grace_hours)
        ]
        known = await self._records.known(due)
        missing = [id for id in due if id not in known]
        since = now - timedelta(days=rules.lookback_days)
        recent = [id for id in missing if due_since(listing.invoices[id]) >= since]
        starts = recent[: rules.max_starts]
        return starts, [id for id in missing if id not in starts]

    async def _moved(
        self, cases: Sequence[CaseRow], listing: Listing, now: datetime
    ) -> AsyncIterator[InvoiceId]:
        reads = 0
        for case in cases:
            if now - case.opened_recorded_at < SETTLES_ITSELF:
                continue
            invoice = listing.invoices.get(case.invoice)
            if invoice is not None:
                if invoice.get("amount_remaining") != case.remaining:
                    yield case.invoice
            elif listing.complete:
                yield case.invoice
            elif reads < MOST_READS:
                reads += 1
                if not await is_open_at_stripe(self._client, case.invoice):
                    yield case.invoice

    async def _reset(self, cases: Sequence[CaseRow], now: datetime) -> list[InvoiceId]:
        """Closed cases whose own run goes on: somebody reset it to before it closed them.

        Another run does not count: Stripe's next failure starts one, which sees the closed case
        and ends.
        """
        open_now = {case.invoice for case in cases}
        found = []
        for invoice in sorted(await self._runs.running() - open_now):
            case = await self._records.find_case(InvoiceId(invoice))
            if case is None or case.open or now - case.updated_at < SETTLES_ITSELF:
                continue
            if await self._runs.first_run(invoice) == case.run_id:
                found.append(case.invoice)
        return found


def is_due(invoice: Json) -> bool:
    """Was it tried, and is there something left to collect? A first payment is the customer's own.

    `subscription_create`: https://docs.stripe.com/billing/subscriptions/overview (23 hours, then
    Stripe voids it).
    """
    return bool(
        invoice.get("attempted")
        and invoice.get("amount_remaining", 0) > 0
        and invoice.get("billing_reason") != "subscription_create"
    )


def due_since(invoice: Json) -> datetime:
    """An automatically collected invoice falls due when it is finalized; it has no due date."""
    finalized = (invoice.get("status_transitions") or {}).get("finalized_at")
    return datetime.fromtimestamp(finalized or invoice["created"], UTC)


class CatchingUp:
    """The acting half: start what has no case, restart what was lost, tell what moved."""

    def __init__(self, runs: Runs, records: Records) -> None:
        self._runs = runs
        self._records = records

    @activity.defn(name=steps.CATCH_UP.name)
    async def catch_up(self, found: Found) -> Swept:
        return Swept(
            started=tuple([id for id in found.missing if await self._started(id)]),
            restarted=tuple([id for id in found.lost if await self._runs.start(id, lost=True)]),
            reopened=tuple([id for id in found.reset if await self._records.reopen(id)]),
            told=await self._tell((*found.moved, *found.reset), found.at),
            left=found.left,
            left_count=found.left_count,
        )

    async def _started(self, invoice: InvoiceId) -> bool:
        """A run that ended before it wrote its case down does not stand in the way."""
        if await self._runs.start(invoice):
            return True
        if await self._runs.is_open(invoice) or await self._records.find_case(invoice):
            return False
        return await self._runs.start(invoice, lost=True)

    async def _tell(self, invoices: Iterable[InvoiceId], at: datetime) -> tuple[InvoiceId, ...]:
        told = []
        for id in invoices:
            event = {"event_id": f"sweep_{id}_{iso(at)}", "type": "dunning.sweep"}
            await self._runs.tell(id, event)
            told.append(id)
        return tuple(told)


# ── reading back ────────────────────────────────────────────────────────────────────────

ReadBack = Callable[[Effect, bool], Awaitable[bool]]
"""What became of it? `gone`: no run will ask again. True: it is clear now."""


class Reconciling:
    """Effects that never got a clear answer, read back from the world. One of these per vendor."""

    def __init__(
        self, records: Records, ledger: Ledger, purposes: tuple[str, ...], read_back: ReadBack
    ) -> None:
        self._records = records
        self._ledger = ledger
        self._purposes = purposes
        self._read_back = read_back

    async def reconcile(self, order: Sweeping) -> Swept:
        """An open case's run tries again by itself; a closed case's effects are settled here."""
        unclear = [
            effect
            for effect in await self._ledger.unclear(older_than=UNCLEAR_FOR)
            if effect.purpose.startswith(self._purposes)
        ]
        clear = [effect for effect in unclear if await self._cleared(effect)]
        return Swept(reconciled=len(clear), unclear=len(unclear) - len(clear))

    async def _cleared(self, effect: Effect) -> bool:
        case = await self._records.case(effect.invoice)
        return await self._read_back(effect, not case.open)


class ReconcilingCharges(Reconciling):
    @activity.defn(name=steps.RECONCILE.name)
    async def reconcile_charges(self, order: Sweeping) -> Swept:
        """Charges, and whose the retries are."""
        return await self.reconcile(order)


class ReconcilingMails(Reconciling):
    @activity.defn(name=steps.RECONCILE_MAILS.name)
    async def reconcile_mails(self, order: Sweeping) -> Swept:
        return await self.reconcile(order)


class ReconcilingNotes(Reconciling):
    @activity.defn(name=steps.RECONCILE_NOTES.name)
    async def reconcile_notes(self, order: Sweeping) -> Swept:
        return await self.reconcile(order)
