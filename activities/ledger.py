"""What we do to the outside world, written down before we do it.

    intent ──► trying ◄──► unknown
                  └───────────┴──► done | blocked

A row never moves to the left: the database refuses it.

At-least-once call + committed intent + natural key + read-back = effectively once:

1. `intend`: the row is committed before anything else happens.
2. The caller reads the world: did an earlier try of ours already do it?
3. `begin`: this try is committed, then the call is made with `effect.key`.
4. A definite answer is `settle`d. Anything else goes back to 2.

The key is made of business facts and the epoch. It never holds a run id, an attempt number, a time
or a random value: a workflow reset changes all of those, and would do everything again.

No connection is held while a vendor is called.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import asyncpg
from pydantic import ConfigDict

from activities.database import Connection, Json, Pool, audit_line, transact
from workflows.nouns import InvoiceId, Noun, Utc

State = Literal["intent", "trying", "unknown", "done", "blocked"]
Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    return datetime.now(UTC)


class EffectId(Noun):
    """Which effect: business facts only.

    `ordinal` was allocated in Postgres, never counted in memory.
    """

    invoice: InvoiceId
    purpose: str  # pay | own | announce | hand_back | mail:{kind}[:{step}] | note:{step}
    ordinal: int

    def __str__(self) -> str:
        return f"{self.purpose} {self.ordinal}"


class Effect(Noun):
    """One row of `dunning.effect`, as it was when it was read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    invoice: InvoiceId
    purpose: str
    ordinal: int
    cycle: int
    epoch: int
    state: State
    before: Json
    result: Json | None
    external_id: str | None
    reason: str
    case_at: Utc  # on the case's clock; the other times are the wall's
    key_at: Utc | None
    first_try: Utc | None
    last_try: Utc | None
    tries: int
    server_errors: int

    @property
    def id(self) -> EffectId:
        return EffectId(invoice=self.invoice, purpose=self.purpose, ordinal=self.ordinal)

    @property
    def key(self) -> str:
        """What the vendor is given to recognise a repeat. The same for every try of one epoch."""
        return self.key_of(self.epoch)

    def key_of(self, epoch: int) -> str:
        facts = f"{self.invoice}|{self.purpose}|{self.ordinal}|{epoch}"
        return "d1:" + hashlib.sha256(facts.encode()).hexdigest()[:40]

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that this effect has ever used."""
        return tuple(self.key_of(epoch) for epoch in range(self.epoch + 1))

    @property
    def final(self) -> bool:
        return self.state in ("done", "blocked")

    @property
    def tried(self) -> bool:
        return self.first_try is not None


class InFlightError(Exception):
    """Another charge of this invoice has no definite answer yet; `other` must be settled first."""

    def __init__(self, other: Effect) -> None:
        super().__init__(f"{other.id} of {other.invoice} has no definite answer yet")
        self.other = other


class Ledger:
    def __init__(self, pool: Pool, clock: Clock = wall_clock) -> None:
        self._pool = pool
        self.clock = clock

    # ── before the call ─────────────────────────────────────────────────────────────────

    async def intend(
        self, effect: EffectId, *, cycle: int, case_at: datetime, before: Json | None = None
    ) -> Effect:
        """The row of this effect, made now if it is not there; committed when this returns."""

        async def work(connection: Connection) -> Effect:
            await _lock(connection, effect)
            await connection.execute(
                """insert into dunning.effect (invoice, purpose, ordinal, cycle, case_at, before)
                   values ($1, $2, $3, $4, $5, $6) on conflict do nothing""",
                effect.invoice, effect.purpose, effect.ordinal, cycle, case_at, before or {},
            )  # fmt: skip
            return await _read(connection, effect)

        return await transact(self._pool, work)

    async def intend_next(
        self, invoice: InvoiceId, purpose: str, wanted: Json, *, cycle: int, case_at: datetime
    ) -> Effect:
        """For effects that set something to a value, which may be wanted more than once.

        An unfinished row that wanted the same is used again; otherwise the next ordinal is taken,
        and with it a new key, so that the vendor does not answer with what it said the last time.
        """

        async def work(connection: Connection) -> Effect:
            series = EffectId(invoice=invoice, purpose=purpose, ordinal=0)
            await _lock(connection, series)
            row = await connection.fetchrow(
                """select * from dunning.effect where invoice = $1 and purpose = $2
                   order by ordinal desc limit 1""",
                invoice, purpose,
            )  # fmt: skip
            latest = Effect(**row) if row else None
            if latest and not latest.final and latest.before == wanted:
                return latest
            if latest and not latest.final:
                await self._move(
                    connection, latest, state="done", reason="something else is wanted now"
                )
            ordinal = latest.ordinal + 1 if latest else 1
            await connection.execute(
                """insert into dunning.effect (invoice, purpose, ordinal, cycle, case_at, before)
                   values ($1, $2, $3, $4, $5, $6)""",
                invoice, purpose, ordinal, cycle, case_at, wanted,
            )  # fmt: skip
            return await _read(connection, series.model_copy(update={"ordinal": ordinal}))

        return await transact(self._pool, work)

    async def begin(self, effect: Effect, before: Json | None = None) -> Effect:
        """One more try, committed before the call. The first `before` that is given stays.

        Raises `InFlightError` for a charge while another charge of the invoice is unclear.
        """
        now = self.clock()

        async def work(connection: Connection) -> Effect:
            current = await _locked(connection, effect.id)
            if current.final:
                return current
            return await self._move(
                connection,
                current,
                state="trying",
                before=current.before or before or {},
                first_try=current.first_try or now,
                key_at=current.key_at or now,
                last_try=now,
                tries=current.tries + 1,
                audit=not current.tried,
            )

        try:
            return await transact(self._pool, work)
        except asyncpg.UniqueViolationError as clash:
            other = await self.in_flight(effect.invoice)
            if other is None:  # it was settled this very moment
                return await self.begin(effect, before)
            raise InFlightError(other) from clash

    async def new_epoch(self, effect: Effect, reason: str) -> Effect:
        """A new key. Only after a fresh read showed that nothing of the old key's happened."""

        async def work(connection: Connection) -> Effect:
            current = await _locked(connection, effect.id)
            if current.final or current.epoch != effect.epoch:
                return current  # somebody else was here first
            return await self._move(
                connection, current, epoch=current.epoch + 1, key_at=None, tries=0,
                server_errors=0, reason=reason,
            )  # fmt: skip

        return await transact(self._pool, work)

    async def bind_external(self, effect: Effect, external_id: str) -> Effect:
        """Remember the vendor's id, once. If another is bound already, that is in the answer."""

        async def work(connection: Connection) -> Effect:
            current = await _locked(connection, effect.id)
            if current.final or current.external_id is not None:
                return current
            return await self._move(connection, current, external_id=external_id, audit=False)

        return await transact(self._pool, work)

    # ── after the call ──────────────────────────────────────────────────────────────────

    async def no_answer(self, effect: Effect) -> Effect:
        """The vendor answered this try with nothing definite (a 5xx, or 200 without an effect)."""

        async def work(connection: Connection) -> Effect:
            current = await _locked(connection, effect.id)
            if current.final or current.epoch != effect.epoch:
                return current
            return await self._move(
                connection, current, server_errors=current.server_errors + 1, audit=False
            )

        return await transact(self._pool, work)

    async def settle(
        self, effect: Effect, result: Json, *, external_id: str | None = None, reason: str = ""
    ) -> Effect:
        """Done, for good. If it was settled before, that first result is in the answer."""
        return await self._finish(effect, "done", result, external_id, reason)

    async def block(self, effect: Effect, reason: str, result: Json | None = None) -> Effect:
        """It will never be done: `reason` is for the person who looks into it."""
        return await self._finish(effect, "blocked", result, None, reason)

    async def give_up(self, effect: Effect, reason: str) -> Effect:
        """We stop trying, and do not know what happened: a person must look.

        Reading may still settle it.
        """

        async def work(connection: Connection) -> Effect:
            current = await _locked(connection, effect.id)
            if current.final or current.state == "unknown":
                return current
            return await self._move(connection, current, state="unknown", reason=reason)

        return await transact(self._pool, work)

    # ── looking ─────────────────────────────────────────────────────────────────────────

    async def find(self, effect: EffectId) -> Effect | None:
        row = await self._pool.fetchrow(
            "select * from dunning.effect where (invoice, purpose, ordinal) = ($1, $2, $3)",
            effect.invoice, effect.purpose, effect.ordinal,
        )  # fmt: skip
        return Effect(**row) if row else None

    async def of(self, invoice: InvoiceId, purpose: str | None = None) -> list[Effect]:
        """Every effect of the case, oldest first."""
        rows = await self._pool.fetch(
            """select * from dunning.effect
               where invoice = $1 and ($2::text is null or purpose = $2)
               order by created_at, purpose, ordinal""",
            invoice, purpose,
        )  # fmt: skip
        return [Effect(**row) for row in rows]

    async def in_flight(self, invoice: InvoiceId) -> Effect | None:
        """The charge of this invoice that was begun and has no definite answer yet; at most one."""
        row = await self._pool.fetchrow(
            """select * from dunning.effect
               where invoice = $1 and purpose = 'pay' and state in ('trying', 'unknown')""",
            invoice,
        )
        return Effect(**row) if row else None

    async def unclear(self, older_than: timedelta) -> list[Effect]:
        """Effects without a definite answer, last tried at least that long ago; oldest first."""
        rows = await self._pool.fetch(
            """select * from dunning.effect
               where state in ('trying', 'unknown') and last_try <= $1 order by last_try""",
            self.clock() - older_than,
        )
        return [Effect(**row) for row in rows]

    # ── the one statement that changes a row ────────────────────────────────────────────

    async def _finish(
        self,
        effect: Effect,
        state: State,
        result: Json | None,
        external_id: str | None,
        reason: str,
    ) -> Effect:
        async def work(connection: Connection) -> Effect:
            current = await _locked(connection, effect.id)
            if current.final:
                return current
            return await self._move(
                connection, current, state=state, result=result, reason=reason,
                external_id=external_id or current.external_id,
            )  # fmt: skip

        return await transact(self._pool, work)

    async def _move(
        self, connection: Connection, effect: Effect, *, audit: bool = True, **changes: Any
    ) -> Effect:
        row = effect.model_copy(update=changes)
        await connection.execute(
            """update dunning.effect set state = $4, epoch = $5, before = $6, result = $7,
                 external_id = $8, reason = $9, key_at = $10, first_try = $11, last_try = $12,
                 tries = $13, server_errors = $14
               where (invoice, purpose, ordinal) = ($1, $2, $3)""",
            row.invoice, row.purpose, row.ordinal, row.state, row.epoch, row.before, row.result,
            row.external_id, row.reason, row.key_at, row.first_try, row.last_try, row.tries,
            row.server_errors,
        )  # fmt: skip
        if audit:
            await audit_line(
                connection, invoice=row.invoice, at=row.case_at, actor="dunning",
                event=f"effect_{row.state}", detail=_told(row),
            )  # fmt: skip
        return row


def _told(effect: Effect) -> str:
    epoch = f", key {effect.epoch + 1}" if effect.epoch else ""
    return f"{effect.id}{epoch}" + (f": {effect.reason}" if effect.reason else "")


async def _lock(connection: Connection, effect: EffectId) -> None:
    """Two workers on one row take turns.

    Held for the row's update only, never over a vendor's call.
    """
    name = f"{effect.invoice}|{effect.purpose}|{effect.ordinal}"
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", name)


async def _locked(connection: Connection, effect: EffectId) -> Effect:
    await _lock(connection, effect)
    return await _read(connection, effect)


async def _read(connection: Connection, effect: EffectId) -> Effect:
    row = await connection.fetchrow(
        "select * from dunning.effect where (invoice, purpose, ordinal) = ($1, $2, $3)",
        effect.invoice, effect.purpose, effect.ordinal,
    )  # fmt: skip
    if row is None:
        raise LookupError(f"{effect} of {effect.invoice} was never intended: call `intend` first")
    return Effect(**row)
