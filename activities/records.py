"""Our memory: cases, what was known, what was decided and written. All SQL about them is here.

Every change of a case and the audit line that tells of it are one transaction. Money is in minor
units; times are case time unless a name says `recorded`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import ConfigDict

from activities.database import Connection, Json, Pool, audit_line, connect, transact
from activities.ledger import Clock, Effect, wall_clock
from activities.readings import CaseClock, StripeReading
from workflows.case import Action, DecidedBy, Options, Outcome, Proposal, Verdict
from workflows.facts import Billing, Crm, Facts, OurMail, Source
from workflows.nouns import ChargeId, CustomerId, DecisionId, InvoiceId, LetterId, Noun, Utc
from workflows.playbook import Playbook
from workflows.steps import Conclude, Concluded, Entry, LetterKind, Ref, SoFar

__all__ = ["CaseRow", "DecisionRow", "LetterRow", "Line", "Records", "connect"]

US = "dunning"  # the actor of what no person did


class Row(Noun):
    """A row of one of our tables. Columns of a newer schema are ignored, so that N−1 runs on N."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CaseRow(Row):
    invoice: InvoiceId
    cycle: int
    workflow_id: str
    run_id: str
    rounds_before: int  # rounds of this cycle that runs before this one made
    customer: CustomerId | None
    customer_name: str | None
    customer_email: str | None
    subscription: str | None
    payment_intent: str | None
    charges: tuple[ChargeId, ...]
    currency: str | None
    remaining: int | None
    decline_code: str | None
    plan_tier: str | None
    state: str  # open | closed
    outcome: Outcome | None  # None while open, and after Temporal's own Cancel
    closed_by_person: bool
    opened_at: Utc
    closed_at: Utc | None
    playbook: str
    speed: float
    auto_advance_found: bool | None
    owned: bool
    opened_recorded_at: Utc
    updated_at: Utc

    @property
    def open(self) -> bool:
        return self.state == "open"


class DecisionRow(Row):
    id: DecisionId
    invoice: InvoiceId
    ordinal: int
    cycle: int
    round: int
    step: int
    at: Utc
    recorded_at: Utc
    pack: str
    playbook: str
    prompts: dict[str, str]
    model: str | None
    tokens_in: int
    tokens_out: int
    cost_usd: Decimal
    options: Options
    proposal: Proposal | None
    problem: str | None
    verdict: Verdict
    why: str
    decided_by: DecidedBy
    action: Action
    actor: str | None
    approval_verdict: str | None
    approver: str | None
    approval_at: Utc | None


class LetterRow(Row):
    id: LetterId
    invoice: InvoiceId
    ordinal: int
    kind: LetterKind
    step: int
    subject: str
    body_text: str
    body_html: str
    addressee: Json
    data: Json
    hash: str
    written_by: DecidedBy
    checks: list[Any]
    written_at: Utc


class Line(Row):
    """One line of the audit trail."""

    seq: int
    at: Utc
    recorded_at: Utc
    invoice: InvoiceId
    actor: str
    event: str
    detail: str
    decision: DecisionId | None


class NoSuchCaseError(LookupError):
    def __init__(self, invoice: str) -> None:
        super().__init__(f"there is no case for {invoice}: open_case comes first")


class Records:
    def __init__(self, pool: Pool, clock: Clock = wall_clock) -> None:
        self._pool = pool
        self._clock = clock
        self._playbooks: dict[str, Playbook] = {}  # parsed once; a hash never changes its meaning

    @property
    def pool(self) -> Pool:
        """For reports over all cases; what changes a case goes through a method here."""
        return self._pool

    # ── cases ───────────────────────────────────────────────────────────────────────────

    async def open_case(
        self,
        ref: Ref,
        *,
        workflow_id: str,
        run_id: str,
        playbook: Playbook,
        again: bool = False,
    ) -> tuple[CaseRow, bool]:
        """The case of this invoice, and whether this run may work on it.

        The same run asking twice gets the same answer. A case that a person closed stays closed
        unless `again`. Any other closed case is opened as its next cycle, with today's playbook; a
        running one keeps the playbook it has, whichever run asks (after a workflow reset it is
        another one).
        """
        await self.put_playbook(playbook)

        async def work(connection: Connection) -> tuple[CaseRow, bool]:
            await _lock(connection, ref.invoice)
            row = await _case_row(connection, ref.invoice)
            if row is None:
                return await _insert_case(connection, ref, workflow_id, run_id, playbook), True
            case = CaseRow(**row)
            if case.open:
                return await _adopt(connection, case, run_id), True
            if case.closed_by_person and not again:
                return case, False
            same_run = case.run_id == run_id
            return await _reopen(
                connection, case, ref, workflow_id, run_id, playbook, same_run
            ), True

        return await transact(self._pool, work)

    async def close_case(
        self, ref: Ref, outcome: Outcome | None, text: str, entries: Sequence[Entry] = ()
    ) -> CaseRow:
        """Closed, once. `outcome` None is Temporal's own Cancel: a person did it."""
        by_person = outcome in (None, Outcome.CANCELLED, Outcome.HANDED_OVER)

        async def work(connection: Connection) -> CaseRow:
            row = await connection.fetchrow(
                """update dunning."case" set state = 'closed', outcome = $3, closed_by_person = $4,
                     closed_at = $5, updated_at = now()
                   where invoice = $1 and cycle = $2 and state = 'open' returning *""",
                ref.invoice, ref.cycle, outcome, by_person, ref.now,
            )  # fmt: skip
            await _audit_entries(connection, ref.invoice, entries)
            if row is not None:
                await audit_line(
                    connection, invoice=ref.invoice, at=ref.now, actor=US, event="case_closed",
                    detail=f"{outcome or 'cancelled in Temporal'}: {text}",
                )  # fmt: skip
            return await _the_case(connection, ref.invoice)

        return await transact(self._pool, work)

    async def reopen(self, invoice: InvoiceId) -> bool:
        """Its run goes on although it had closed the case: it was reset in Temporal."""

        async def work(connection: Connection) -> bool:
            row = await connection.fetchrow(
                """update dunning."case" set state = 'open', outcome = null, closed_at = null,
                     closed_by_person = false, updated_at = now()
                   where invoice = $1 and state = 'closed' returning opened_at, cycle""",
                invoice,
            )
            if row is not None:
                await audit_line(
                    connection, invoice=invoice, at=self._clock(), actor=US,
                    event="case_opened_again", detail=f"cycle {row['cycle']}: its run was reset",
                )  # fmt: skip
            return row is not None

        return await transact(self._pool, work)

    async def known(self, invoices: Sequence[str]) -> frozenset[str]:
        """Which of these have a case, open or closed."""
        rows = await self._pool.fetch(
            'select invoice from dunning."case" where invoice = any($1::text[])', list(invoices)
        )
        return frozenset(row["invoice"] for row in rows)

    async def so_far(self, case: CaseRow) -> SoFar | None:
        """What earlier runs of this cycle did, when they were lost and another one goes on.

        The rounds of the run that goes on do not count: asked again, it gets the same answer.
        """
        if not case.rounds_before:
            return None
        decisions = [
            row
            for row in await self.decisions(case.invoice)
            if row.cycle == case.cycle and row.round <= case.rounds_before
        ]
        ordinals = {row.ordinal for row in decisions}
        effects = [
            row
            for row in await self.effects(case.invoice)
            if row.ordinal in ordinals and row.purpose.startswith(("pay", "mail:", "note:"))
        ]
        done = [row for row in effects if row.state == "done"]
        kinds = [(row.result or {}).get("kind") for row in done if row.purpose == "pay"]

        def sent(kind: LetterKind) -> list[Effect]:
            return [row for row in done if row.purpose == f"mail:{kind}"]

        handoff = next(reversed(sent(LetterKind.HANDOFF)), None)
        told = next((d for d in decisions if handoff and d.ordinal == handoff.ordinal), None)
        moments = [row.case_at for row in effects] + [row.at for row in decisions]
        return SoFar(
            opened_at=case.opened_at,
            latest=max(moments, default=case.opened_at),
            attempts=sum(kind in ASKED_THE_BANK for kind in kinds),
            owned=case.owned,
            charged="processing" in kinds,
            told_customer=bool(sent(LetterKind.UPDATE_LINK)),
            told_csm=handoff is not None,
            asked_csm=bool(sent(LetterKind.APPROVAL)),
            escalated_for=_escalation(told) if told else None,
            escalated_at=handoff.case_at if handoff and told else None,
            **_last(decisions[-1] if decisions else None, effects, case.rounds_before),
        )

    async def case(self, invoice: InvoiceId) -> CaseRow:
        """Raises `NoSuchCaseError` (a `LookupError`)."""
        async with self._pool.acquire(timeout=5) as connection:
            return await _the_case(connection, invoice)

    async def find_case(self, invoice: InvoiceId) -> CaseRow | None:
        async with self._pool.acquire(timeout=5) as connection:
            row = await _case_row(connection, invoice)
            return CaseRow(**row) if row else None

    async def cases(self, *, open_only: bool = True) -> list[CaseRow]:
        """Oldest first."""
        rows = await self._pool.fetch(
            f"""select {_CASE} from dunning."case" where state = 'open' or not $1
                order by opened_at, invoice""",  # noqa: S608 - a constant list of columns
            open_only,
        )
        return [CaseRow(**row) for row in rows]

    async def open_cases_touching(
        self,
        *,
        invoice: str | None = None,
        customer: str | None = None,
        payment_intent: str | None = None,
        charge: str | None = None,
    ) -> list[InvoiceId]:
        """Which open cases an event about one of these ids is news for. Any one match is enough."""
        rows = await self._pool.fetch(
            """select invoice from dunning."case" where state = 'open'
                 and (invoice = $1 or customer = $2 or payment_intent = $3
                      or charges @> array[$4::text])
               order by invoice""",
            invoice, customer, payment_intent, charge,
        )  # fmt: skip
        return [InvoiceId(row["invoice"]) for row in rows]

    async def note_identity(self, ref: Ref, reading: StripeReading) -> None:
        """Keep who and what the case is about, so that events about any of it find the case."""
        charges = {attempt.charge for attempt in reading.attempts} | {reading.latest_charge} - {
            None
        }
        failure = reading.failure
        await self._pool.execute(
            """update dunning."case" set customer = $2, customer_name = coalesce($3, customer_name),
                 customer_email = coalesce($4, customer_email), subscription = $5,
                 payment_intent = $6, currency = $7, remaining = $8, decline_code = $9,
                 charges = (select coalesce(array_agg(distinct id order by id), '{}')
                            from unnest(charges || $10::text[]) as seen (id)),
                 updated_at = now()
               where invoice = $1""",
            ref.invoice, reading.customer.id, reading.customer.name, reading.customer.email,
            reading.subscription.id if reading.subscription else None, reading.payment_intent,
            reading.invoice.remaining.currency, reading.invoice.remaining.amount,
            (failure.decline_code or failure.code) if failure else None,
            [charge for charge in charges if charge],
        )  # fmt: skip

    async def note_plan(self, ref: Ref, plan_tier: str | None) -> None:
        await self._pool.execute(
            'update dunning."case" set plan_tier = $2, updated_at = now() where invoice = $1',
            ref.invoice, plan_tier,
        )  # fmt: skip

    async def note_ownership(
        self, ref: Ref, *, owned: bool, found: bool | None = None, detail: str = ""
    ) -> CaseRow:
        """Whose the retries are. `found` is the value to restore: the first one seen is kept.

        It starts anew when the retries are handed back, so that the next taking looks again.
        """

        async def work(connection: Connection) -> CaseRow:
            case = await _lock_case(connection, ref.invoice)
            kept = found if case.auto_advance_found is None else case.auto_advance_found
            released = case.owned and not owned
            await connection.execute(
                'update dunning."case" set owned = $2, auto_advance_found = $3, updated_at = now()'
                " where invoice = $1",
                ref.invoice, owned, None if released else kept,
            )  # fmt: skip
            if owned != case.owned:
                await audit_line(
                    connection, invoice=ref.invoice, at=ref.now, actor=US, detail=detail,
                    event="ownership_taken" if owned else "handed_back",
                )  # fmt: skip
            return await _the_case(connection, ref.invoice)

        return await transact(self._pool, work)

    # ── what was known ──────────────────────────────────────────────────────────────────

    async def put_snapshot(self, ref: Ref, source: Source, found: bool, body: Json | None) -> None:
        """What a source answered this round. A step that runs twice leaves the later answer."""
        await self._pool.execute(
            """insert into dunning.snapshot (invoice, cycle, round, source, taken_at, found, body)
               values ($1, $2, $3, $4, $5, $6, $7)
               on conflict (invoice, cycle, round, source) do update
               set taken_at = excluded.taken_at, found = excluded.found, body = excluded.body""",
            ref.invoice, ref.cycle, ref.round, source, ref.now, found, body if found else None,
        )  # fmt: skip

    async def reading(self, ref: Ref) -> StripeReading | None:
        """Stripe as it was last gathered, at or before this round."""
        bodies = await self._newest_snapshots(ref)
        body = bodies.get(Source.STRIPE)
        return StripeReading(**body) if body else None

    async def facts(self, ref: Ref, *, live: bool, missing: Iterable[Source] = ()) -> Facts:
        """The whole picture of this round, from the newest answers at or before it.

        A source that could not be read this round is in `missing`; if it answered in an earlier
        round, that answer is still part of the facts, because an old warning is better than none. A
        source that never answered counts as missing too. Raises `LookupError` when Stripe was never
        gathered.
        """
        reading = await self.reading(ref)
        if reading is None:
            raise LookupError(
                f"{ref.invoice} was not gathered from Stripe yet: gather_stripe first"
            )
        return await self.facts_with(reading, ref, live=live, missing=missing)

    async def facts_with(
        self,
        reading: StripeReading,
        ref: Ref,
        *,
        live: bool,
        missing: Iterable[Source] = (),
        but_for: int | None = None,
    ) -> Facts:
        """The same around another reading of Stripe, already on the case's clock.

        `but_for`: the ordinal of a charge that is being made, which must not count as made.
        """
        bodies = await self._newest_snapshots(ref)
        silent = [source for source in (Source.BILLING, Source.CRM) if source not in bodies]
        billing, crm = bodies.get(Source.BILLING), bodies.get(Source.CRM)
        return reading.as_facts(
            ref.now,
            live=live,
            billing=Billing(**billing) if billing else None,
            crm=Crm(**crm) if crm else None,
            customer_mails=await self._customer_mails(reading.customer.id, ref),
            our_attempts=await self.our_attempts(ref.invoice, but_for=but_for),
            missing=tuple(source for source in Source if source in {*missing, *silent}),
        )

    async def _newest_snapshots(self, ref: Ref) -> dict[Source, Json | None]:
        rows = await self._pool.fetch(
            """select distinct on (source) source, body from dunning.snapshot
               where invoice = $1 and cycle = $2 and round <= $3 order by source, round desc""",
            ref.invoice, ref.cycle, ref.round,
        )  # fmt: skip
        return {Source(row["source"]): row["body"] for row in rows}

    async def _customer_mails(self, customer: str, ref: Ref) -> tuple[OurMail, ...]:
        """Mails we sent to this customer, on any of their invoices, oldest first."""
        rows = await self._pool.fetch(
            """select invoice, case_at from dunning.effect join dunning."case" using (invoice)
               where customer = $1 and purpose like 'mail:update_link%' and effect.state = 'done'
                 and coalesce(effect.result ->> 'kind', 'sent') = 'sent'
               order by case_at, invoice""",
            customer,
        )
        return tuple(
            OurMail(at=min(row["case_at"], ref.now), invoice=row["invoice"]) for row in rows
        )

    async def our_attempts(self, invoice: InvoiceId, *, but_for: int | None = None) -> int:
        """Charges we asked for, over all cycles: those that reached Stripe, and unclear ones."""
        count: int = await self._pool.fetchval(
            """select count(*) from dunning.effect
               where invoice = $1 and purpose = 'pay' and ordinal is distinct from $2
                 and first_try is not null
                 and coalesce(result ->> 'kind', 'unclear') not in ('settled', 'superseded')""",
            invoice, but_for,
        )  # fmt: skip
        return count

    async def clock(self, ref: Ref) -> CaseClock:
        """How the world's clock and this case's clock go together, from what we wrote down."""
        case = await self.case(ref.invoice)
        rows = await self._pool.fetch(
            """select purpose, external_id, first_try, case_at from dunning.effect
               where invoice = $1 and cycle = $2 and first_try is not null""",
            ref.invoice, ref.cycle,
        )  # fmt: skip
        moments = [(row["first_try"], row["case_at"]) for row in rows]
        charges = {
            ChargeId(row["external_id"]): row["case_at"]
            for row in rows
            if row["purpose"] == "pay" and row["external_id"]
        }
        edges = [(case.opened_recorded_at, case.opened_at), (self._clock(), ref.now)]
        return CaseClock([*moments, *edges], charges=charges, speed=ref.speed)

    async def put_pack(self, hash: str, body: Json) -> None:
        await self._pool.execute(
            "insert into dunning.pack (hash, body) values ($1, $2) on conflict do nothing",
            hash,
            body,
        )

    async def pack(self, hash: str) -> Json:
        body: Json | None = await self._pool.fetchval(
            "select body from dunning.pack where hash = $1", hash
        )
        if body is None:
            raise LookupError(f"no evidence pack {hash} is stored")
        return body

    # ── what was decided ────────────────────────────────────────────────────────────────

    async def put_decision(
        self,
        conclude: Conclude,
        verdict: Verdict,
        why: str,
        *,
        prompts: Mapping[str, str] | None = None,
        model: str | None = None,
        tokens_in: int | None = None,
        tokens_out: int | None = None,
        cost_usd: Decimal | None = None,
    ) -> tuple[DecisionId, int, Verdict]:
        """Keep the decision for ever; answer with its id, its ordinal and the verdict that is kept.

        A second call for the same round and step answers with what the first one stored. Provenance
        that is not given is taken from this round's `book_call`s. The ordinal is allocated here,
        once per invoice, under a lock: it is what the keys of all effects of this decision are made
        of.
        """
        ref = conclude.ref

        async def work(connection: Connection) -> tuple[DecisionId, int, Verdict]:
            case = await _lock_case(connection, ref.invoice)
            stored = await connection.fetchrow(
                """select id, ordinal, verdict from dunning.decision
                   where (invoice, cycle, round, step) = ($1, $2, $3, $4)""",
                ref.invoice, ref.cycle, ref.round, conclude.step,
            )  # fmt: skip
            if stored is not None:
                return stored["id"], stored["ordinal"], Verdict(**stored["verdict"])
            calls = await _calls_of(connection, ref)
            ordinal: int = await connection.fetchval(
                "select 1 + coalesce(max(ordinal), 0) from dunning.decision where invoice = $1",
                ref.invoice,
            )
            decision = DecisionId(f"{ref.invoice}.{ordinal}")
            await connection.execute(
                """insert into dunning.decision (id, invoice, ordinal, cycle, round, step, at, pack,
                     playbook, prompts, model, tokens_in, tokens_out, cost_usd, options, proposal,
                     problem, verdict, why, decided_by, action, actor)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                   $17,
                     $18, $19, $20, $21, $22)""",
                decision, ref.invoice, ordinal, ref.cycle, ref.round, conclude.step, ref.now,
                conclude.pack, case.playbook,
                calls["prompts"] if prompts is None else dict(prompts),
                model or calls["model"],
                calls["tokens_in"] if tokens_in is None else tokens_in,
                calls["tokens_out"] if tokens_out is None else tokens_out,
                calls["cost_usd"] if cost_usd is None else cost_usd,
                _plain(conclude.options), _plain(conclude.proposal) if conclude.proposal else None,
                conclude.problem, _plain(verdict), why, verdict.decided_by, verdict.action,
                conclude.actor,
            )  # fmt: skip
            await audit_line(
                connection, invoice=ref.invoice, at=ref.now, actor=conclude.actor or US,
                event="decided", detail=f"{verdict.action}: {why}", decision=decision,
            )  # fmt: skip
            return decision, ordinal, verdict

        return await transact(self._pool, work)

    async def decision(self, id: DecisionId) -> DecisionRow:
        row = await self._pool.fetchrow("select * from dunning.decision where id = $1", id)
        if row is None:
            raise LookupError(f"there is no decision {id}")
        return DecisionRow(**row)

    async def decisions(self, invoice: InvoiceId) -> list[DecisionRow]:
        rows = await self._pool.fetch(
            "select * from dunning.decision where invoice = $1 order by ordinal", invoice
        )
        return [DecisionRow(**row) for row in rows]

    async def approve(
        self, decision: DecisionId, verdict: str, actor: str, at: datetime, detail: str = ""
    ) -> DecisionRow:
        """A person's answer: `verdict` is approve, reject or expired. The first answer stays."""

        async def work(connection: Connection) -> DecisionRow:
            row = await connection.fetchrow(
                """update dunning.decision set approval_verdict = $2, approver = $3, approval_at =
                $4
                   where id = $1 and approval_verdict is null returning invoice""",
                decision, verdict, actor, at,
            )  # fmt: skip
            if row is not None:
                await audit_line(
                    connection, invoice=row["invoice"], at=at, actor=actor, decision=decision,
                    event=_ANSWERED.get(verdict, verdict), detail=detail,
                )  # fmt: skip
            stored = await connection.fetchrow(
                "select * from dunning.decision where id = $1", decision
            )
            if stored is None:
                raise LookupError(f"there is no decision {decision}")
            return DecisionRow(**stored)

        return await transact(self._pool, work)

    # ── what was written ────────────────────────────────────────────────────────────────

    async def put_letter(
        self,
        *,
        invoice: InvoiceId,
        ordinal: int,
        kind: LetterKind,
        subject: str,
        body_text: str,
        body_html: str,
        written_by: DecidedBy,
        at: datetime,
        step: int = 0,
        addressee: Json | None = None,
        data: Json | None = None,
        checks: Sequence[Any] = (),
    ) -> LetterId:
        """Fix a mail's words. A second call for the same mail keeps the first words."""
        id = LetterId(f"{invoice}.{ordinal}.{kind}" + (f".{step}" if step else ""))

        async def work(connection: Connection) -> LetterId:
            written = await connection.fetchval(
                """insert into dunning.letter (id, invoice, ordinal, kind, step, subject, body_text,
                     body_html, addressee, data, hash, written_by, checks)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                   on conflict do nothing returning id""",
                id, invoice, ordinal, kind, step, subject, body_text, body_html, addressee or {},
                data or {}, hash_of(subject, body_text, body_html), written_by, list(checks),
            )  # fmt: skip
            if written:
                await audit_line(
                    connection, invoice=invoice, at=at, actor=US, event="letter_written",
                    detail=f"{kind} by {written_by}", decision=f"{invoice}.{ordinal}",
                )  # fmt: skip
            return id

        return await transact(self._pool, work)

    async def letter(self, id: LetterId) -> LetterRow:
        row = await self._pool.fetchrow("select * from dunning.letter where id = $1", id)
        if row is None:
            raise LookupError(f"there is no letter {id}")
        return LetterRow(**row)

    async def letters(self, invoice: InvoiceId) -> list[LetterRow]:
        """Oldest first."""
        rows = await self._pool.fetch(
            "select * from dunning.letter where invoice = $1 order by written_at, id", invoice
        )
        return [LetterRow(**row) for row in rows]

    # ── the playbook ────────────────────────────────────────────────────────────────────

    async def put_playbook(self, playbook: Playbook) -> None:
        if playbook.hash in self._playbooks:
            return
        await self._pool.execute(
            "insert into dunning.playbook (hash, body) values ($1, $2) on conflict do nothing",
            playbook.hash, _plain(playbook),
        )  # fmt: skip
        self._playbooks[playbook.hash] = playbook

    async def playbook(self, hash: str) -> Playbook:
        if hash not in self._playbooks:
            body = await self._pool.fetchval(
                "select body from dunning.playbook where hash = $1", hash
            )
            if body is None:
                raise LookupError(f"no playbook {hash} is stored")
            self._playbooks[hash] = Playbook(**body)
        return self._playbooks[hash]

    async def playbook_of(self, invoice: InvoiceId) -> Playbook:
        """The playbook that this case started with."""
        return await self.playbook((await self.case(invoice)).playbook)

    # ── the trail ───────────────────────────────────────────────────────────────────────

    async def audit(self, invoice: InvoiceId, entries: Sequence[Entry]) -> None:
        """Add lines. One that is there, word for word and at the same time, is not repeated."""

        async def work(connection: Connection) -> None:
            await _audit_entries(connection, invoice, entries)

        await transact(self._pool, work)

    async def audit_trail(self, invoice: InvoiceId) -> list[Line]:
        rows = await self._pool.fetch(
            "select * from dunning.audit where invoice = $1 order by seq", invoice
        )
        return [Line(**row) for row in rows]

    async def effects(self, invoice: InvoiceId) -> list[Effect]:
        """What was done to the outside world, oldest first."""
        rows = await self._pool.fetch(
            """select * from dunning.effect where invoice = $1
               order by created_at, purpose, ordinal""",
            invoice,
        )
        return [Effect(**row) for row in rows]

    # ── what it costs ───────────────────────────────────────────────────────────────────

    async def book_call(
        self,
        ref: Ref,
        *,
        purpose: str,
        model: str,
        prompts: Mapping[str, str] | None = None,
        tokens_in: int = 0,
        tokens_out: int = 0,
        cost_usd: Decimal = Decimal(0),
        problem: str | None = None,
    ) -> None:
        """One call of a model: `purpose` is decide or draft, `prompts` their names and hashes."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                """insert into dunning.model_call (invoice, cycle, round, purpose, model, prompts,
                     tokens_in, tokens_out, cost_usd, problem)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
                ref.invoice, ref.cycle, ref.round, purpose, model, dict(prompts or {}), tokens_in,
                tokens_out, cost_usd, problem,
            )  # fmt: skip
            await _add_to_budget(connection, self._today(), ref.invoice, cost_usd)

        await transact(self._pool, work)

    async def book_cost(self, invoice: InvoiceId, usd: Decimal) -> None:
        """A cost without a call to tell of; `book_call` books its own."""
        async with self._pool.acquire(timeout=5) as connection:
            await _add_to_budget(connection, self._today(), invoice, usd)

    async def cost_today(self) -> Decimal:
        """US dollars since midnight UTC, over all cases."""
        total: Decimal = await self._pool.fetchval(
            "select coalesce(sum(usd), 0) from dunning.budget where day = $1", self._today()
        )
        return total

    async def cost_of(self, invoice: InvoiceId) -> Decimal:
        """US dollars this case has cost, ever."""
        total: Decimal = await self._pool.fetchval(
            "select coalesce(sum(usd), 0) from dunning.budget where invoice = $1", invoice
        )
        return total

    def _today(self) -> Any:
        return self._clock().astimezone(UTC).date()


ASKED_THE_BANK = ("paid", "declined", "requires_action", "processing")
_ANSWERED = {"approve": "approved", "reject": "rejected", "expired": "approval_expired"}
_CASE = ", ".join(CaseRow.model_fields)


def hash_of(*texts: str) -> str:
    """What identifies a letter's words: SHA-256 of a JSON list of them."""
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False).encode()).hexdigest()


def _plain(noun: Any) -> Json:
    body: Json = noun.model_dump(mode="json")
    return body


def _escalation(decision: DecisionRow) -> tuple[str, ...] | None:
    """Why the CSM was told; None when a mere link was announced to them."""
    if decision.action is not Action.ESCALATE_NOW:
        return None
    return tuple(reason.code for reason in decision.verdict.reasons)


def _last(row: DecisionRow | None, effects: Sequence[Effect], rounds: int) -> Json:
    """The last decision, and whether somebody must still carry it out, or carry it on.

    The keys of its effects are made of its ordinal, so another run that carries it out again does
    only what is not done. A charge that was made, a no, or a later round's reading ended it.
    """
    if row is None:
        return {}
    charges = [effect for effect in effects if effect.purpose == "pay"]
    charged = any(effect.final for effect in charges if effect.ordinal == row.ordinal)
    return {
        "decision": Concluded(
            decision=row.id, ordinal=row.ordinal, verdict=row.verdict, why=row.why
        ),
        "step": row.step + 1,
        "unfinished": not charged and row.approval_verdict != "reject" and row.round == rounds,
        "approved": row.approval_verdict == "approve" or row.decided_by is DecidedBy.PERSON,
    }


async def _lock(connection: Connection, invoice: str) -> None:
    """Two runs that open one case take turns."""
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended('case|' || $1, 0))", invoice
    )


async def _case_row(connection: Connection, invoice: str, suffix: str = "") -> Any:
    return await connection.fetchrow(
        f'select {_CASE} from dunning."case" where invoice = $1 {suffix}',  # noqa: S608 - constants
        invoice,
    )


async def _the_case(connection: Connection, invoice: str) -> CaseRow:
    row = await _case_row(connection, invoice)
    if row is None:
        raise NoSuchCaseError(invoice)
    return CaseRow(**row)


async def _lock_case(connection: Connection, invoice: str) -> CaseRow:
    row = await _case_row(connection, invoice, "for update")
    if row is None:
        raise NoSuchCaseError(invoice)
    return CaseRow(**row)


async def _insert_case(
    connection: Connection, ref: Ref, workflow_id: str, run_id: str, playbook: Playbook
) -> CaseRow:
    await connection.execute(
        """insert into dunning."case" (invoice, workflow_id, run_id, opened_at, playbook, speed)
           values ($1, $2, $3, $4, $5, $6)""",
        ref.invoice, workflow_id, run_id, ref.now, playbook.hash, ref.speed,
    )  # fmt: skip
    await audit_line(connection, invoice=ref.invoice, at=ref.now, actor=US, event="case_opened")
    return await _the_case(connection, ref.invoice)


async def _adopt(connection: Connection, case: CaseRow, run_id: str) -> CaseRow:
    """An open case asked for by another run, because the first was lost: it goes on from there.

    A round that was decided once is never decided again, so the new run starts after the last.
    """
    if case.run_id != run_id:
        await connection.execute(
            """update dunning."case" set run_id = $2, updated_at = now(), rounds_before = greatest(
                 (select max(round) from dunning.decision where invoice = $1 and cycle = $3),
                 (select max(round) from dunning.snapshot where invoice = $1 and cycle = $3), 0)
               where invoice = $1""",
            case.invoice, run_id, case.cycle,
        )  # fmt: skip
    return await _the_case(connection, case.invoice)


async def _reopen(
    connection: Connection,
    case: CaseRow,
    ref: Ref,
    workflow_id: str,
    run_id: str,
    playbook: Playbook,
    same_run: bool,
) -> CaseRow:
    """The same run (a reset) goes on in its cycle; another one starts the next."""
    cycle = case.cycle if same_run else case.cycle + 1
    await connection.execute(
        """update dunning."case" set cycle = $2, workflow_id = $3, run_id = $4, opened_at = $5,
             playbook = $6, speed = $7, state = 'open', outcome = null, closed_at = null,
             closed_by_person = false, opened_recorded_at = $8, rounds_before = $9,
             updated_at = now()
           where invoice = $1""",
        ref.invoice, cycle, workflow_id, run_id, case.opened_at if same_run else ref.now,
        case.playbook if same_run else playbook.hash, ref.speed,
        case.opened_recorded_at if same_run else datetime.now(UTC),
        case.rounds_before if same_run else 0,
    )  # fmt: skip
    await audit_line(
        connection, invoice=ref.invoice, at=ref.now, actor=US, event="case_opened_again",
        detail=f"cycle {cycle}",
    )  # fmt: skip
    return await _the_case(connection, ref.invoice)


async def _audit_entries(
    connection: Connection, invoice: InvoiceId, entries: Sequence[Entry]
) -> None:
    for entry in entries:
        await audit_line(
            connection, invoice=invoice, at=entry.at, actor=entry.actor, event=entry.event,
            detail=entry.detail, decision=entry.decision,
        )  # fmt: skip


async def _calls_of(connection: Connection, ref: Ref) -> Json:
    """What this round's decision cost in model calls, and what it was asked with."""
    rows = await connection.fetch(
        """select model, prompts, tokens_in, tokens_out, cost_usd from dunning.model_call
           where (invoice, cycle, round, purpose) = ($1, $2, $3, 'decide') order by seq""",
        ref.invoice, ref.cycle, ref.round,
    )  # fmt: skip
    return {
        "model": rows[-1]["model"] if rows else None,
        "prompts": {name: hash for row in rows for name, hash in row["prompts"].items()},
        "tokens_in": sum(row["tokens_in"] for row in rows),
        "tokens_out": sum(row["tokens_out"] for row in rows),
        "cost_usd": sum((row["cost_usd"] for row in rows), Decimal(0)),
    }


async def _add_to_budget(connection: Connection, day: Any, invoice: str, usd: Decimal) -> None:
    await connection.execute(
        """insert into dunning.budget (day, invoice, usd) values ($1, $2, $3)
           on conflict (day, invoice) do update set usd = dunning.budget.usd + excluded.usd""",
        day, invoice, usd,
    )  # fmt: skip
