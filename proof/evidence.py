"""Everything the judgement rests on: what the world saw, and what we wrote down about it.

The world's own log (the sandbox's effects) is the truth. Our tables are the accused: they are read
with plain SQL, and keys are computed here from the published formula, not by the program's code.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
from temporalio.client import Client

from proof.plan import Plan, unheard
from sandbox.accounts import Account
from sandbox.control import Json, Sandbox
from sandbox.effects import Effects
from starter.temporal import case_id


@dataclass(frozen=True)
class Done:
    """What somebody did, and what came of it."""

    asked: datetime
    at: datetime
    invoice: str
    act: str
    result: str

    @property
    def worked(self) -> bool:
        return self.result == "done"


@dataclass(frozen=True)
class AuditLine:
    seq: int
    at: datetime
    recorded_at: datetime
    invoice: str
    actor: str
    event: str
    detail: str
    decision: str | None


@dataclass(frozen=True)
class LedgerRow:
    invoice: str
    purpose: str
    ordinal: int
    epoch: int
    state: str
    before: Json
    result: Json | None
    external_id: str | None
    reason: str
    first_try: datetime | None
    last_try: datetime | None
    created_at: datetime

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key this row has ever used: `d1:` and 40 hex digits of SHA-256."""
        return tuple(
            key_of(self.invoice, self.purpose, self.ordinal, n) for n in range(self.epoch + 1)
        )

    @property
    def kind(self) -> str:
        """What became of it: paid, declined, sent, …"""
        return str((self.result or {}).get("kind", ""))

    @property
    def asked_the_bank(self) -> bool:
        return self.purpose == "pay" and self.kind in (
            "paid",
            "declined",
            "requires_action",
            "processing",
        )

    def __str__(self) -> str:
        return f"{self.purpose} {self.ordinal}"


@dataclass(frozen=True)
class CaseLine:
    invoice: str
    state: str
    outcome: str | None
    cycle: int
    owned: bool
    auto_advance_found: bool | None


@dataclass(frozen=True)
class DecisionLine:
    id: str
    invoice: str
    ordinal: int
    action: str
    decided_by: str
    needs_approval: bool


@dataclass(frozen=True)
class Run:
    """One run of a case in Temporal."""

    invoice: str
    run: str
    status: str
    result: str | None


@dataclass
class Evidence:
    plan: Plan
    accounts: Mapping[int, Account]
    effects: Effects
    invoices: Mapping[str, Json]
    done: Sequence[Done]
    ledger: Sequence[LedgerRow]
    cases: Mapping[str, CaseLine]
    decisions: Sequence[DecisionLine]
    audit: Mapping[int, AuditLine]
    audit_copies: Sequence[Mapping[int, AuditLine]]
    tampering: Mapping[str, bool]  # what we tried on the trail: was it let through?
    runs: Mapping[str, Sequence[Run]]
    leaks: Sequence[str]  # files that hold the canary, and should not
    seen_in_the_open: int  # files of Temporal that hold it because nothing was sealed
    caps: Mapping[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        """Every invoice whose first charge failed."""
        return [done.invoice for done in self.done if done.act == "fails" and done.worked]

    @property
    def overtaken(self) -> frozenset[str]:
        """Settled by somebody else, though no webhook had told us of it: a sweep may have come too
        late, and then there is nothing to recover and no case.
        """
        quiet = {self.accounts[number].invoice for number in unheard(self.plan)}
        return frozenset(id for id in quiet if self.invoices[id]["status"] != "open")

    def rows(self, invoice: str) -> list[LedgerRow]:
        return [row for row in self.ledger if row.invoice == invoice]

    def by_key(self) -> dict[str, LedgerRow]:
        return {key: row for row in self.ledger for key in row.keys}


def key_of(invoice: str, purpose: str, ordinal: int, epoch: int) -> str:
    facts = f"{invoice}|{purpose}|{ordinal}|{epoch}"
    return "d1:" + hashlib.sha256(facts.encode()).hexdigest()[:40]


# ── our tables ──────────────────────────────────────────────────────────────────────────

_LEDGER = """select invoice, purpose, ordinal, epoch, state, before, result, external_id, reason,
                    first_try, last_try, created_at from dunning.effect order by created_at"""
_CASES = """select invoice, state, outcome, cycle, owned, auto_advance_found from dunning."case" """
_DECISIONS = """select id, invoice, ordinal, action, decided_by,
                       jsonb_array_length(coalesce(verdict -> 'approval', '[]')) > 0
                         as needs_approval from dunning.decision"""
_AUDIT = """select seq, at, recorded_at, invoice, actor, event, detail, decision
            from dunning.audit order by seq"""
TAMPERING = {
    "change a line": "update dunning.audit set detail = 'nothing happened'",
    "remove a line": "delete from dunning.audit",
    "empty the trail": "truncate dunning.audit",
    "undo an effect": "update dunning.effect set state = 'intent' where state = 'done'",
    "remove an effect": "delete from dunning.effect",
}


async def read_audit(dsn: str) -> dict[int, AuditLine]:
    connection = await asyncpg.connect(dsn, timeout=3)
    try:
        return {row["seq"]: AuditLine(**row) for row in await connection.fetch(_AUDIT)}
    finally:
        await connection.close(timeout=3)


async def _read_tables(dsn: str) -> dict[str, Any]:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )
        return {
            "ledger": [LedgerRow(**row) for row in await connection.fetch(_LEDGER)],
            "cases": {row["invoice"]: CaseLine(**row) for row in await connection.fetch(_CASES)},
            "decisions": [DecisionLine(**row) for row in await connection.fetch(_DECISIONS)],
            "audit": {row["seq"]: AuditLine(**row) for row in await connection.fetch(_AUDIT)},
        }
    finally:
        await connection.close()


async def _tampering(dsn: str) -> dict[str, bool]:
    """Try to change the past, as the program's own role, and take it back if that worked."""
    connection = await asyncpg.connect(dsn)
    try:
        tried = {}
        for what, statement in TAMPERING.items():
            transaction = connection.transaction()
            await transaction.start()
            try:
                tried[what] = await connection.execute(statement) not in ("UPDATE 0", "DELETE 0")
            except asyncpg.PostgresError:
                tried[what] = False
            await transaction.rollback()
        return tried
    finally:
        await connection.close()


# ── Temporal, and what lies about ───────────────────────────────────────────────────────


async def _runs(client: Client, invoices: Sequence[str]) -> dict[str, list[Run]]:
    """Every run of every case, each asked for its own result."""
    found: dict[str, list[Run]] = {invoice: [] for invoice in invoices}
    async for run in client.list_workflows('WorkflowType="RecoverInvoice"'):
        invoice = run.id.removeprefix("dunning-")
        handle = client.get_workflow_handle(run.id, run_id=run.run_id, result_type=str)
        status = run.status.name if run.status else "?"
        result = await handle.result() if status == "COMPLETED" else None
        found.setdefault(invoice, []).append(Run(invoice, run.run_id, status, result))
    for invoice in invoices:
        if not found[invoice]:
            found[invoice] = await _unlisted(client, invoice)
    return found


async def _unlisted(client: Client, invoice: str) -> list[Run]:
    try:
        run = await client.get_workflow_handle(case_id(invoice)).describe()
    except Exception:
        return []
    return [Run(invoice, run.run_id, run.status.name if run.status else "?", None)]


def _holding(canary: str, folder: Path, pattern: str) -> list[str]:
    """Which of these files hold the canary. The world's own log may: it is not ours."""
    needle = canary.lower().encode()
    files = [file for file in sorted(folder.glob(pattern)) if "sandbox" not in file.name]
    return [file.name for file in files if needle in file.read_bytes().lower()]


async def gather(
    *,
    plan: Plan,
    accounts: Mapping[int, Account],
    sandbox: Sandbox,
    client: Client,
    dsn: str,
    folder: Path,
    logs: Path,
    done: Sequence[Done],
    audit_copies: Sequence[Mapping[int, AuditLine]],
    caps: Mapping[str, int],
) -> Evidence:
    """After the calm: ask everybody, once."""
    invoices = [account.invoice for account in accounts.values()]
    tables = await _read_tables(dsn)
    runs = await _runs(client, invoices)
    in_logs = _holding(plan.canary, logs, "*.log")
    in_temporal = _holding(plan.canary, folder, "temporal.db*")
    return Evidence(
        plan=plan,
        accounts=accounts,
        effects=await sandbox.effects(),
        invoices=dict(
            zip(
                invoices,
                await asyncio.gather(*(sandbox.invoice(invoice) for invoice in invoices)),
                strict=True,
            )
        ),
        done=done,
        audit_copies=audit_copies,
        tampering=await _tampering(dsn),
        runs=runs,
        leaks=in_logs + (in_temporal if plan.sealed else []),
        seen_in_the_open=len(in_temporal),
        caps=caps,
        **tables,
    )
