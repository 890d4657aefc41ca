"""`dunning status`: where every case stands, and where one does."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

from activities.records import CaseRow, Records
from starter.temporal import RECOVER, plain_error
from workflows import attributes
from workflows.case import Status
from workflows.money import Money
from workflows.nouns import InvoiceId, Noun, Utc

ENDED_ODDLY = {
    WorkflowExecutionStatus.CANCELED: "cancelled in Temporal",
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "timed out",
}


class CaseLine(Noun):
    """One case in a list. Money and account come from our records, the rest from Temporal."""

    invoice: InvoiceId
    account: str | None
    customer: str | None
    amount: str | None
    decline_code: str | None
    state: str
    next_action: str | None
    next_action_at: Utc | None
    outcome: str | None


async def lines(client: Client, records: Records, *, everything: bool) -> list[CaseLine]:
    """Open cases, or all that Temporal and our records remember; the next to act first."""
    rows = {row.invoice: row for row in await records.cases(open_only=not everything)}
    found: dict[InvoiceId, CaseLine] = {}
    query = f"WorkflowType = '{RECOVER}'"
    if not everything:
        query += " AND ExecutionStatus = 'Running'"
    try:
        async for run in client.list_workflows(query):
            invoice = InvoiceId(run.id.removeprefix("dunning-"))
            if invoice not in found:  # newest run first
                found[invoice] = _line(invoice, run, rows.get(invoice))
    except RPCError as error:
        raise plain_error(error, "") from error
    for invoice, row in rows.items():
        found.setdefault(invoice, _remembered(row))
    return sorted(found.values(), key=_urgency)


def _urgency(line: CaseLine) -> tuple[bool, datetime, str]:
    return (
        line.next_action_at is None,
        line.next_action_at or datetime.max.replace(tzinfo=UTC),
        line.invoice,
    )


def _line(invoice: InvoiceId, run: Any, row: CaseRow | None) -> CaseLine:
    def attribute(key: SearchAttributeKey[Any]) -> Any:
        return run.typed_search_attributes.get(key)

    state = ENDED_ODDLY.get(run.status) or attribute(attributes.STATE) or "gathering"
    return CaseLine(
        invoice=invoice,
        account=row.customer_name if row else None,
        customer=attribute(attributes.CUSTOMER),
        amount=_amount(row) if state != "closed" else None,
        decline_code=attribute(attributes.DECLINE_CODE),
        state=state,
        next_action=attribute(attributes.ACTION) if state != "closed" else None,
        next_action_at=attribute(attributes.NEXT_ACTION_AT) if state != "closed" else None,
        outcome=row.outcome if row else None,
    )


def _remembered(row: CaseRow) -> CaseLine:
    """A case whose run Temporal has forgotten, or never had."""
    return CaseLine(
        invoice=row.invoice,
        account=row.customer_name,
        customer=row.customer,
        amount=_amount(row) if row.open else None,
        decline_code=row.decline_code,
        state="closed" if row.state == "closed" else "lost: no run in Temporal",
        next_action=None,
        next_action_at=None,
        outcome=row.outcome,
    )


def _amount(row: CaseRow | None) -> str | None:
    if row is None or row.remaining is None or row.currency is None:
        return None
    return Money(amount=row.remaining, currency=row.currency).plain


def show_lines(console: Console, found: Sequence[CaseLine]) -> None:
    if not found:
        console.print("No open cases. `dunning status --all` shows the closed ones too.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Invoice", "Account", "Open", "Why", "State", "Next", "At"):
        table.add_column(heading, overflow="fold")
    for line in found:
        table.add_row(
            line.invoice,
            line.account or "",
            line.amount or "",
            line.decline_code or "",
            words(line.outcome or line.state),
            words(line.next_action),
            moment(line.next_action_at),
        )
    console.print(table)


def show_case(console: Console, status: Status) -> None:
    """One case, said in a few lines."""
    console.print(f"[bold]{status.invoice}[/bold]  {words(status.outcome or status.state)}")
    console.print(f"  round {status.round}, {status.attempts} charge(s) by us")
    if status.next_action:
        console.print(f"  next: {words(status.next_action)} {moment(status.next_action_at)}")
    pending = status.pending_decision
    if pending:
        console.print(
            f"  waiting for a person until {moment(pending.expires_at)}: may we "
            f"{words(pending.action)}?  ({pending.decision_id})"
        )
        for reason in pending.reasons:
            console.print(f"    because {reason}")
        console.print(f"  dunning approve {status.invoice}    dunning reject {status.invoice}")


def words(name: str | None) -> str:
    return (name or "").replace("_", " ")


def moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
