"""What this program promises, checked on a living installation: our records against the world.

Each rule below is one promise. A broken one is a sentence that names the invoice and says what to
do. Nothing is changed. The work is bounded: cases of the last days, a number of reads of each
vendor, a pause between them; what was left out is said.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import stripe
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.database import Json, Pool
from activities.ledger import Clock, Effect, wall_clock
from activities.records import CaseRow, Records
from activities.stripe import OUR_MARK
from activities.stripe_api import asking
from activities.stripe_reader import A_PAGE, CHARGE_EVENTS
from activities.sweep import UNCLEAR_FOR, Listing, Runs, open_invoices, without_a_run
from workflows import steps
from workflows.nouns import InvoiceId, Noun
from workflows.steps import PayKind, Sweeping, Swept

LOOKS_BACK = timedelta(days=30)  # Stripe keeps events for 30 days, too
SETTLED_FOR = timedelta(hours=1)  # a settled invoice closes its case sooner than that
STARTS_WITHIN = timedelta(minutes=5)
MOST_CASES = 1_000  # the most recently touched ones
MOST_READS = 200  # of Stripe, a check
MOST_MAILS = 25
APART = 0.1  # seconds between two reads: ten a second
OUR_KEYS = "d1:"  # how every key of the ledger begins


class Broken(Noun):
    """One promise that is not kept."""

    promise: str
    invoice: str
    what: str
    do: str

    @property
    def sentence(self) -> str:
        return f"{self.invoice}: {self.what} {self.do}"


class Report(Noun):
    broken: tuple[Broken, ...] = ()
    cases: int = 0
    charges: int = 0
    mails: int = 0
    reads: int = 0  # of the vendors
    left_out: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        return not self.broken

    def __add__(self, other: "Report") -> "Report":
        return Report(
            broken=self.broken + other.broken,
            cases=self.cases + other.cases,
            charges=self.charges + other.charges,
            mails=self.mails + other.mails,
            reads=self.reads + other.reads,
            left_out=self.left_out + other.left_out,
        )


class Mails(Protocol):
    async def is_there(self, row: Effect) -> bool: ...


@dataclass
class Budget:
    """How many reads are left, and the pause before each."""

    left: int = MOST_READS
    apart: float = APART
    used: int = 0
    left_out: set[str] = field(default_factory=set)

    async def allows(self, what: str) -> bool:
        if self.left <= 0:
            self.left_out.add(what)
            return False
        self.left -= 1
        self.used += 1
        await asyncio.sleep(self.apart)
        return True


# ── what our own records must show ──────────────────────────────────────────────────────


class Books:
    """The promises that our own tables can prove broken."""

    def __init__(self, pool: Pool, clock: Clock = wall_clock) -> None:
        self._pool = pool
        self._clock = clock

    async def broken(self) -> AsyncIterator[Broken]:
        for rule in (self._unclear, self._unapproved, self._untold):
            async for each in rule():
                yield each

    async def effects(self, purpose: str, state: str = "done") -> list[Effect]:
        rows = await self._pool.fetch(
            """select * from dunning.effect where purpose like $1 and state = $2
                 and created_at > $3 order by created_at desc""",
            purpose, state, self._clock() - LOOKS_BACK,
        )  # fmt: skip
        return [Effect(**row) for row in rows]

    async def all_charges(self) -> list[Effect]:
        rows = await self._pool.fetch("select * from dunning.effect where purpose = 'pay'")
        return [Effect(**row) for row in rows]

    async def _unclear(self) -> AsyncIterator[Broken]:
        rows = await self._pool.fetch(
            """select * from dunning.effect where state in ('trying', 'unknown')
                 and last_try <= $1 order by last_try""",
            self._clock() - UNCLEAR_FOR,
        )
        for effect in (Effect(**row) for row in rows):
            yield Broken(
                promise="every effect gets a clear answer",
                invoice=effect.invoice,
                what=f"{_named(effect)} has been unclear since {effect.last_try:%Y-%m-%d %H:%M} "
                f"UTC{f' ({effect.reason})' if effect.reason else ''}.",
                do=_where_to_look(effect),
            )

    async def _unapproved(self) -> AsyncIterator[Broken]:
        """Decisions that waited for a person, and were carried out without one."""
        rows = await self._pool.fetch(
            """select d.id, d.invoice, d.action, e.purpose from dunning.decision d
               join dunning.effect e on e.invoice = d.invoice and e.ordinal = d.ordinal
               where d.recorded_at > $1 and d.decided_by <> 'person'
                 and d.action in ('schedule_retry', 'send_update_link')
                 and jsonb_array_length(coalesce(d.verdict -> 'approval', '[]')) > 0
                 and (e.purpose = 'pay' or e.purpose like 'mail:update_link%')
                 and e.first_try is not null
                 and d.approval_verdict is distinct from 'approve'
                 and not exists (select from dunning.audit a where a.invoice = d.invoice
                                 and a.decision = d.id and a.event = 'approved')
               order by d.recorded_at""",
            self._clock() - LOOKS_BACK,
        )
        for row in rows:
            yield Broken(
                promise="what needs an approval waits for one",
                invoice=row["invoice"],
                what=f"decision {row['id']} needed an approval and was carried out without one "
                f"({row['action'].replace('_', ' ')}).",
                do=f"`dunning explain {row['invoice']}` shows it; report it as a bug.",
            )

    async def _untold(self) -> AsyncIterator[Broken]:
        """What happened without a line in the trail."""
        rows = await self._pool.fetch(_UNTOLD, self._clock() - LOOKS_BACK)
        for row in rows:
            yield Broken(
                promise="the trail tells everything",
                invoice=row["invoice"],
                what=f"the audit trail has no line about {row['what']}.",
                do="Somebody changed our tables by hand, or restored them in part: compare with a "
                "backup.",
            )


_UNTOLD = """
select c.invoice, 'the opening of the case' as what from dunning."case" c
 where c.updated_at > $1 and not exists (
   select from dunning.audit a where a.invoice = c.invoice and a.event = 'case_opened')
union all
select c.invoice, 'the closing of the case' from dunning."case" c
 where c.updated_at > $1 and c.state = 'closed' and not exists (
   select from dunning.audit a where a.invoice = c.invoice and a.event = 'case_closed')
union all
select d.invoice, 'decision ' || d.id from dunning.decision d
 where d.recorded_at > $1 and not exists (
   select from dunning.audit a
   where a.invoice = d.invoice and a.event = 'decided' and a.decision = d.id)
union all
select e.invoice, e.purpose || ' ' || e.ordinal || ' being ' || e.state from dunning.effect e
 where e.created_at > $1 and e.state in ('done', 'blocked') and not exists (
   select from dunning.audit a where a.invoice = e.invoice and a.event = 'effect_' || e.state
     and (a.detail = e.purpose || ' ' || e.ordinal
          or a.detail like e.purpose || ' ' || e.ordinal || ':%'
          or a.detail like e.purpose || ' ' || e.ordinal || ', key %'))
order by 1, 2
"""


# ── what the world must show ────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Charge:
    """A charge at Stripe that carries a key of ours."""

    id: str
    key: str
    succeeded: bool


class Money:
    """The promises about money, from Stripe's own events, charges and invoices."""

    def __init__(self, client: stripe.StripeClient, books: Books, budget: Budget, clock: Clock):
        self._client = client.v1
        self._books = books
        self._budget = budget
        self._clock = clock
        self.charges: list[Charge] = []

    async def broken(self) -> AsyncIterator[Broken]:
        ours = await self._books.all_charges()
        by_key = {key: effect for effect in ours for key in effect.keys}
        self.charges = await self._charges_of_ours()
        for each in _strangers(self.charges, by_key):
            yield each
        for each in _doubles(self.charges, by_key):
            yield each
        async for each in self._without_a_charge(await self._books.effects("pay")):
            yield each

    async def _charges_of_ours(self) -> list[Charge]:
        """Stripe's charge events of the last 30 days, newest first, that our keys asked for."""
        found: dict[str, Charge] = {}
        after: str | None = None
        since = int((self._clock() - LOOKS_BACK).timestamp())
        while await self._budget.allows("older charge events"):
            params: stripe.params.EventListParams = {
                "types": list(CHARGE_EVENTS), "created": {"gte": since}, "limit": A_PAGE,
            }  # fmt: skip
            if after:
                params["starting_after"] = after
            with asking("the charge events"):
                page = await self._client.events.list_async(params)
            for event in page.data:
                body = event.to_dict()
                charge = _charge_of(body)
                if charge and not (charge.id in found and found[charge.id].succeeded):
                    found[charge.id] = charge
            if not page.has_more or not page.data:
                break
            after = page.data[-1].id
        return list(found.values())

    async def _without_a_charge(self, done: Sequence[Effect]) -> AsyncIterator[Broken]:
        """Charges that our ledger says were made, and Stripe does not know."""
        seen: dict[str, bool | None] = {each.id: each.succeeded for each in self.charges}
        for effect in done:
            result = effect.result or {}
            charge = result.get("charge")
            if result.get("kind") not in (PayKind.PAID, PayKind.DECLINED) or not charge:
                continue
            paid = result["kind"] == PayKind.PAID
            if charge not in seen and await self._budget.allows("single charges"):
                seen[charge] = await self._succeeded(charge)
            if charge in seen and seen[charge] is not paid:
                yield Broken(
                    promise="what the ledger calls done has happened",
                    invoice=effect.invoice,
                    what=f"our ledger says that charge {charge} was {result['kind']}, and Stripe "
                    "says otherwise.",
                    do="Look at the charge in Stripe before anything else is done to this invoice.",
                )

    async def _succeeded(self, charge: str) -> bool | None:
        """None: Stripe knows no such charge."""
        with asking(charge):
            try:
                return (await self._client.charges.retrieve_async(charge)).status == "succeeded"
            except stripe.InvalidRequestError as error:
                if error.http_status == 404:
                    return None
                raise


def _charge_of(event: Json) -> Charge | None:
    key = (event.get("request") or {}).get("idempotency_key") or ""
    thing = event["data"]["object"]
    if not key.startswith(OUR_KEYS) or thing.get("object") != "charge":
        return None
    return Charge(id=thing["id"], key=key, succeeded=event["type"] == "charge.succeeded")


def _strangers(charges: Iterable[Charge], by_key: dict[str, Effect]) -> Iterable[Broken]:
    for charge in charges:
        if charge.key not in by_key:
            yield Broken(
                promise="every charge of ours has a row in the ledger",
                invoice=charge.id,
                what="Stripe made this charge with a key of ours that no row of the ledger has.",
                do="Were our tables restored from a backup? Follow docs/reliability.md, "
                '"Restoring from a backup", before the worker runs again.',
            )


def _doubles(charges: Iterable[Charge], by_key: dict[str, Effect]) -> Iterable[Broken]:
    paid: dict[str, list[str]] = defaultdict(list)
    asked: dict[str, list[str]] = defaultdict(list)
    for charge in charges:
        asked[charge.key].append(charge.id)
        if charge.succeeded and (effect := by_key.get(charge.key)):
            paid[effect.invoice].append(charge.id)
    for invoice, ids in paid.items():
        if len(ids) > 1:
            yield Broken(
                promise="an invoice is charged at most once",
                invoice=invoice,
                what=f"we charged it {len(ids)} times: {', '.join(sorted(ids))}.",
                do="Refund all but one in Stripe, and report it as a bug.",
            )
    for key, ids in asked.items():
        if len(ids) > 1:
            yield Broken(
                promise="no key charges twice",
                invoice=by_key[key].invoice if key in by_key else key,
                what=f"one idempotency key made {len(ids)} charges: {', '.join(sorted(ids))}.",
                do="Ask Stripe's support why, and stop the worker until they have answered.",
            )


class Cases:
    """The promises about cases, from Stripe's invoices and Temporal's runs."""

    def __init__(
        self,
        client: stripe.StripeClient,
        records: Records,
        runs: Runs,
        budget: Budget,
        clock: Clock,
    ) -> None:
        self._client = client
        self._records = records
        self._runs = runs
        self._budget = budget
        self._clock = clock

    async def broken(self, cases: Sequence[CaseRow]) -> AsyncIterator[Broken]:
        grown = [case for case in cases if self._older(case, STARTS_WITHIN)]
        for case in await without_a_run(self._runs, grown):
            yield Broken(
                promise="every open case is being worked on",
                invoice=case.invoice,
                what="its case is open, and no run in Temporal works on it.",
                do="The sweep starts it again; is it on? (`dunning sweep --on`)",
            )
        listing = await open_invoices(self._client)
        for each in self._marked_without_a_case(listing, {case.invoice for case in cases}):
            yield each
        async for each in self._settled(listing, cases):
            yield each

    def _older(self, case: CaseRow, than: timedelta) -> bool:
        return min(self._clock() - case.opened_recorded_at, self._clock() - case.updated_at) > than

    def _marked_without_a_case(self, listing: Listing, open_now: set[InvoiceId]) -> list[Broken]:
        return [
            Broken(
                promise="whose retries we took, we work on",
                invoice=id,
                what="it carries our mark, so Stripe does not retry it, and no open case does.",
                do=f"`dunning start {id} --again` works on it; or give the retries back in Stripe: "
                f"remove the metadata `{OUR_MARK}` and switch automatic collection on.",
            )
            for id, invoice in listing.invoices.items()
            if (invoice.get("metadata") or {}).get(OUR_MARK) and id not in open_now
        ]

    async def _settled(self, listing: Listing, cases: Sequence[CaseRow]) -> AsyncIterator[Broken]:
        for case in cases:
            if case.invoice in listing.invoices:
                continue
            if self._clock() - case.opened_recorded_at < SETTLED_FOR:
                continue
            if not await self._budget.allows("single invoices"):
                return
            settled_at = await self._settled_at(case.invoice)
            if settled_at is not None and self._clock() - settled_at > SETTLED_FOR:
                yield Broken(
                    promise="a settled invoice closes its case",
                    invoice=case.invoice,
                    what="Stripe says that it is settled, and its case is still open.",
                    do=f"`dunning status {case.invoice}` shows what it waits for; the sweep tells "
                    "it to look again.",
                )

    async def _settled_at(self, invoice: InvoiceId) -> datetime | None:
        with asking(invoice):
            try:
                found = await self._client.v1.invoices.retrieve_async(invoice)
            except stripe.InvalidRequestError as error:
                if error.http_status == 404:
                    return self._clock() - 2 * SETTLED_FOR  # deleted; Stripe does not say when
                raise
        body = found.to_dict()
        if body["status"] == "open":
            return None
        moments = (body.get("status_transitions") or {}).values()
        last = max((moment for moment in moments if moment), default=body["created"])
        return datetime.fromtimestamp(last, self._clock().tzinfo)


# ── the whole check ─────────────────────────────────────────────────────────────────────


class Promises:
    """The check, for the command line and the schedule."""

    def __init__(
        self,
        pool: Pool,
        client: stripe.StripeClient,
        runs: Runs,
        *,
        clock: Clock = wall_clock,
        budget: Callable[[], Budget] = Budget,
    ) -> None:
        self._books = Books(pool, clock)
        self._records = Records(pool, clock)
        self._client = client
        self._runs = runs
        self._clock = clock
        self._budget = budget

    async def check(self) -> Report:
        budget = self._budget()
        money = Money(self._client, self._books, budget, self._clock)
        world = Cases(self._client, self._records, self._runs, budget, self._clock)
        cases = (await self._records.cases())[-MOST_CASES:]
        broken = [each async for each in self._books.broken()]
        broken += [each async for each in money.broken()]
        broken += [each async for each in world.broken(cases)]
        return Report(
            broken=tuple(broken),
            cases=len(cases),
            charges=len(money.charges),
            reads=budget.used,
            left_out=tuple(sorted(budget.left_out)),
        )

    @activity.defn(name=steps.CHECK.name)
    async def check_promises(self, order: Sweeping) -> Swept:
        return Swept(broken=tuple(each.sentence for each in (await self.check()).broken))


class MailPromises:
    """The same for mails, where the mailbox is."""

    def __init__(self, pool: Pool, mails: Mails, *, clock: Clock = wall_clock) -> None:
        self._books = Books(pool, clock)
        self._mails = mails

    async def check(self) -> Report:
        """A sample: the latest mails that our ledger says went out."""
        sent = [row for row in await self._books.effects("mail:%") if _was_sent(row)][:MOST_MAILS]
        lost = [row for row in sent if not await self._is_there(row)]
        return Report(broken=tuple(_no_mail(row) for row in lost), mails=len(sent), reads=len(sent))

    async def _is_there(self, row: Effect) -> bool:
        await asyncio.sleep(APART)
        return await self._mails.is_there(row)

    @activity.defn(name=steps.CHECK_MAILS.name)
    async def check_mails(self, order: Sweeping) -> Swept:
        return Swept(broken=tuple(each.sentence for each in (await self.check()).broken))


def _was_sent(row: Effect) -> bool:
    return (row.result or {}).get("kind") == "sent"


def _no_mail(row: Effect) -> Broken:
    return Broken(
        promise="what the ledger calls done has happened",
        invoice=row.invoice,
        what=f"our ledger says that {_named(row)} was sent, and the mailbox does not hold it.",
        do="Was it deleted from Sent Items? If nobody did, ask whether it arrived.",
    )


def _named(effect: Effect) -> str:
    kind, _, which = effect.purpose.partition(":")
    what = {"pay": "charge", "mail": "mail", "note": "note"}.get(kind, effect.purpose)
    return f"{what} {effect.ordinal}" + (f" ({which.replace('_', ' ')})" if which else "")


def _where_to_look(effect: Effect) -> str:
    kind = effect.purpose.partition(":")[0]
    place = {
        "pay": f"Look at {effect.invoice} in Stripe: was it charged?",
        "mail": "Look into Sent Items and Drafts of the mailbox: did it go out?",
        "note": "Look at the company in HubSpot: is the note there?",
    }.get(kind, f"Look at {effect.invoice} in Stripe: who retries it?")
    return f"{place} The sweep reads it back when the vendor answers."


async def all_of(checks: Iterable[tuple[str, Callable[[], Awaitable[Report]]]]) -> Report:
    """Each system's part; one that cannot be asked is left out, and said so."""
    report = Report()
    for name, check in checks:
        try:
            report += await check()
        except ApplicationError as problem:
            report += Report(left_out=(f"{name} ({problem.message})",))
    return report
