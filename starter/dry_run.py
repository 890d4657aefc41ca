"""`dunning start INVOICE --dry-run`: the real activities, on the real systems, leaving no trace.

What our own tables are told happens in one transaction that is rolled back at the end. Stripe,
HubSpot and the billing data are only read; no activity that writes to a vendor is called.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg
from rich.console import Console
from rich.markup import escape
from temporalio.exceptions import ApplicationError

from activities.ledger import Ledger
from activities.postgres import WrongQuery
from activities.records import Records
from settings import SettingsError, StartSettings, load
from starter import desk
from starter.errors import UserError
from starter.status import moment, words
from starter.stripe_reading import check_invoice
from workflows import steps
from workflows.case import Action, Verdict
from workflows.facts import Source
from workflows.nouns import InvoiceId, Noun
from workflows.steps import Concluded, LetterKind, Ref, Step, Weighed

Takes = TypeVar("Takes", bound=Noun)
Gives = TypeVar("Gives", bound=Noun)


class Rehearsal:
    """Looks like a pool, is one connection in one transaction that never commits."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def acquire(self, *, timeout: float | None = None) -> AsyncIterator[Any]:
        async with self._turn, self._connection.transaction():  # a savepoint
            yield self._connection

    async def execute(self, *words: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.execute(*words)

    async def fetch(self, *words: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetch(*words)

    async def fetchrow(self, *words: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchrow(*words)

    async def fetchval(self, *words: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(*words)


@asynccontextmanager
async def rehearsal(settings: StartSettings) -> AsyncIterator[Any]:
    async with desk.database(settings) as pool, pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            yield Rehearsal(connection)
        finally:
            await transaction.rollback()


class Actors:
    """Activities by the name of their step. A system that is not configured has none."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._known: dict[str, Callable[[Any], Any]] = {}
        self.absent: dict[str, str] = {}  # system -> the variables it lacks

    def add(self, activities: Iterable[Callable[..., Any]]) -> None:
        self._known |= {activity.__name__: activity for activity in activities}

    async def play(self, step: Step[Takes, Gives], order: Takes) -> Gives:
        answer: Gives = await self._known[step.name](order)
        return answer

    def can(self, step: Step[Any, Any]) -> bool:
        return step.name in self._known


async def run(console: Console, invoice: str) -> int:
    settings = load(StartSettings)
    await check_invoice(settings, invoice)
    async with AsyncExitStack() as stack, rehearsal(settings) as pool:
        with desk.plainly(settings.database_url.get_secret_value()):
            records = Records(pool)
            case = await records.find_case(InvoiceId(invoice))
            if case and case.open:
                raise UserError(
                    f"{invoice} has an open case; a rehearsal beside it would mislead. "
                    f"`dunning status {invoice}` shows what is planned."
                )
            actors = await _actors(stack, settings, records, Ledger(pool))
            try:
                await Dress(console, actors, invoice).rehearse()
            except ApplicationError as problem:
                raise UserError(problem.message) from problem
    console.print("\n[bold]Nothing was written, charged or sent.[/bold]")
    return 0


async def _actors(
    stack: AsyncExitStack, settings: StartSettings, records: Records, ledger: Ledger
) -> Actors:
    from worker import Parts

    parts = Parts(
        queue=settings.temporal_task_queue, records=records, ledger=ledger, live=settings.live
    )
    nobody: Any = None  # the client: no activity of these speaks to Temporal
    actors = Actors(records)
    for system, make in (
        ("cases", parts.ours),
        ("stripe", parts.stripe),
        ("hubspot", parts.hubspot),
        ("agent", parts.agent),
    ):
        try:
            actors.add(await make(nobody, stack))
        except SettingsError as lacking:
            actors.absent[system] = ", ".join(lacking.problems)
    return actors


class Dress:
    """One round, up to the point where something would happen."""

    def __init__(self, console: Console, actors: Actors, invoice: str) -> None:
        self._console = console
        self._actors = actors
        self._invoice = InvoiceId(invoice)
        self._ref = Ref(invoice=self._invoice, cycle=1, round=1, now=datetime.now(UTC))

    async def rehearse(self) -> None:
        play = self._actors.play
        order = steps.OpenCase(
            ref=self._ref, workflow_id=f"dunning-{self._invoice}", run_id="dry-run", again=True
        )
        opened = await play(steps.OPEN_CASE, order)
        self._ref = self._ref.model_copy(update={"cycle": opened.cycle})
        now = await play(steps.RECHECK, steps.Recheck(ref=self._ref))
        if now.ending:
            self._say(f"The case would end at once: {words(now.ending.outcome)}.", now.ending.text)
            return
        weighed = await play(steps.WEIGH, steps.Weigh(ref=self._ref, missing=await self._gather()))
        self._say_what_is_known(weighed)
        concluded = await self._decide(weighed)
        self._say_decision(concluded)
        for kind in _letters(concluded.verdict, weighed):
            await self._write(kind, concluded)

    async def _gather(self) -> tuple[Source, ...]:
        missing: list[Source] = []
        self._console.print("[bold]What the systems say[/bold]")
        for source, step in (
            (Source.STRIPE, steps.GATHER_STRIPE),
            (Source.BILLING, steps.GATHER_BILLING),
            (Source.CRM, steps.GATHER_CRM),
        ):
            found, said = await self._ask(source, step)
            self._console.print(f"  {source:<8} {escape(said)}")
            if not found:
                missing.append(source)
        return tuple(missing)

    async def _ask(
        self, source: Source, step: Step[steps.Gather, steps.Gathered]
    ) -> tuple[bool, str]:
        """Did it answer, and what? A source that does not is missing, as in a real case."""
        if not self._actors.can(step):
            lacking = self._actors.absent.get(step.queue or "cases", "")
            return False, f"not set up: {lacking}"
        try:
            return True, (await self._actors.play(step, steps.Gather(ref=self._ref))).text
        except (ApplicationError, WrongQuery, asyncpg.PostgresError, OSError) as problem:
            if source is Source.STRIPE:
                raise
            return False, str(problem)

    async def _decide(self, weighed: Weighed) -> Concluded:
        proposal, problem = None, None
        if weighed.ask_model and self._actors.can(steps.PROPOSE):
            order = steps.Propose(ref=self._ref, options=weighed.options, pack=weighed.pack)
            answer = await self._actors.play(steps.PROPOSE, order)
            proposal, problem = answer.proposal, answer.problem
        order_ = steps.Conclude(
            ref=self._ref,
            options=weighed.options,
            pack=weighed.pack,
            proposal=proposal,
            problem=problem,
        )
        return await self._actors.play(steps.CONCLUDE, order_)

    async def _write(self, kind: LetterKind, concluded: Concluded) -> None:
        order = steps.Write(
            ref=self._ref, decision=concluded.decision, ordinal=concluded.ordinal, kind=kind
        )
        try:
            written = await self._actors.play(steps.WRITE_FROM_TEMPLATE, order)
        except ApplicationError as problem:
            self._say(f"No {words(kind)} mail: {problem.message}")
            return
        letter = await self._actors.records.letter(written.letter)
        self._console.rule(f"{words(kind)} mail", align="left")
        self._console.print(f"Subject: {escape(letter.subject)}\n")
        self._console.print(escape(letter.body_text))

    # ── saying ──────────────────────────────────────────────────────────────────────────

    def _say(self, head: str, *more: str) -> None:
        self._console.print(f"\n[bold]{escape(head)}[/bold]")
        for line in more:
            self._console.print(f"  {escape(line)}")

    def _say_what_is_known(self, weighed: Weighed) -> None:
        brief, options = weighed.brief, weighed.options
        self._say(f"{brief.account}, {brief.amount.plain}: {brief.why}")
        self._console.print(f"  Open: {', '.join(map(words, options.allowed))}")
        for slot in options.slots:
            self._console.print(f"    {slot.slot_id}  {escape(slot.label)} ({', '.join(slot.why)})")
        for no in {no.code: no for no in options.blocked}.values():
            self._console.print(f"  Not {words(no.action)}: {escape(no.text)} ({no.code})")

    def _say_decision(self, concluded: Concluded) -> None:
        verdict = concluded.verdict
        at = f" at {moment(verdict.at)}" if verdict.at else ""
        self._say(f"It would: {words(verdict.action)}{at}", concluded.why)
        self._console.print(f"  Decided by: {words(verdict.decided_by)}")
        for reason in verdict.reasons:
            self._console.print(f"  {reason.code}: {escape(reason.text)}")
        if verdict.needs_approval:
            self._console.print("  A person would have to approve it first.")


def _letters(verdict: Verdict, weighed: Weighed) -> list[LetterKind]:
    letters = [LetterKind.APPROVAL] if verdict.needs_approval else []
    if verdict.action is Action.SEND_UPDATE_LINK:
        letters.append(LetterKind.UPDATE_LINK)
        letters += [LetterKind.HANDOFF] if weighed.tell_csm else []
    elif verdict.action is Action.ESCALATE_NOW:
        letters.append(LetterKind.HANDOFF)
    return letters
